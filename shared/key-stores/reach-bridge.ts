import { KmsError } from '#shared/errors.ts';
import { CryptoError } from '#shared/ports/crypto.ts';

/** @throws KmsError CloudHsmClusterNotActiveException, CloudHsmClusterInvalidConfigurationException: what a bridge that does not do as it should means to a key store */
export async function reachBridge<T>(clusterId: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    if (error.code === 'unavailable' || error.code === 'timeout' || error.code === 'busy') {
      throw new KmsError('CloudHsmClusterNotActiveException', `The bridge of ${clusterId} does not answer, or its certificate does not come from the configured trust anchor.`, {
        cause: error,
      });
    }
    throw wrongConfiguration(clusterId, 'its bridge refuses this service', error);
  }
}

export const wrongConfiguration = (clusterId: string, reason: string, cause?: unknown): KmsError =>
  new KmsError('CloudHsmClusterInvalidConfigurationException', `${clusterId} cannot be used: ${reason}.`, { cause });

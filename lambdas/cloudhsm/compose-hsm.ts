/** Puts the reconciler together from the deployment's settings, for the functions and for the operator's command. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HardwareRoots } from '#shared/cloudhsm/hardware-chain.ts';
import type { ClusterAuthority, HsmAdministration, ReconcilerPorts } from '#shared/cloudhsm/ports.ts';
import type { HsmSettings } from '#shared/cloudhsm/settings.ts';
import { createEventBridge } from '../adapters/aws-services.ts';
import { createDynamoDbClient } from '../adapters/dynamodb-client.ts';
import { type CloudHsmClient, createCloudHsmClient } from './cloudhsm-client.ts';
import { createExternalAuthority, createKmsAuthority, noAuthority } from './cluster-authority.ts';
import { createAuthorityKms, createEventAdministration, createSecretStore } from './hsm-services.ts';
import { createJournalTable } from './journal-table.ts';
import { createSdkControlPlane } from './sdk-control-plane.ts';

type ProcessEnvironment = Readonly<Record<string, string | undefined>>;

export function composeReconciler(settings: HsmSettings, environment: ProcessEnvironment): ReconcilerPorts {
  return {
    controlPlane: createSdkControlPlane(composeCloudHsm(environment)),
    authority: authorityOf(settings),
    administration: settings.source === 'managed' ? createEventAdministration(createEventBridge(), settings.administrationBus) : noAdministration,
    journal: createJournalTable(createDynamoDbClient(), settings.journalTable),
    now: Date.now,
    chance: Math.random,
  };
}

/** The SDK's client of CloudHSM is older than AWS_ENDPOINT_URL. */
export function composeCloudHsm(environment: ProcessEnvironment, region?: string): CloudHsmClient {
  return createCloudHsmClient({ endpoint: environment.AWS_ENDPOINT_URL_CLOUDHSM_V2 ?? environment.AWS_ENDPOINT_URL, region: region ?? environment.AWS_REGION });
}

/** @param folder holds `aws.pem` and `manufacturer.pem` */
export const readHardwareRoots = (folder: string): HardwareRoots => ({
  aws: readFileSync(join(folder, 'aws.pem'), 'utf8'),
  manufacturer: readFileSync(join(folder, 'manufacturer.pem'), 'utf8'),
});

function authorityOf(settings: HsmSettings): ClusterAuthority {
  if (settings.source !== 'managed') return noAuthority;
  const { authority, deployment, trustAnchorSecret } = settings;
  const secrets = createSecretStore();
  if (authority.kind === 'external') return createExternalAuthority({ secrets, certificatesSecret: authority.certificatesSecret, trustAnchorSecret });
  return createKmsAuthority({ kms: createAuthorityKms(), secrets, keyId: authority.keyId, trustAnchorSecret, deployment });
}

const noAdministration: HsmAdministration = { request: () => Promise.reject(new Error('A cluster of this source is active, and has its users.')) };

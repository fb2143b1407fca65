/** Everything that can go wrong inside becomes an error of the protocol here. Callers learn no internal detail; `cause` keeps it for the log. */
import { KmsError } from '#shared/errors.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import { StoreUnavailable } from '#shared/ports/record-store.ts';
import { EncryptionsExhausted } from '#shared/repositories/encryption-counter.ts';

export function toKmsError(error: unknown): KmsError {
  if (error instanceof KmsError) return error;
  if (error instanceof CryptoError) return fromCryptoError(error);
  if (error instanceof StoreUnavailable) return new KmsError('DependencyTimeoutException', 'The key store did not answer in time. Try again.', { cause: error });
  if (error instanceof EncryptionsExhausted) return new KmsError('LimitExceededException', error.message, { cause: error });
  return new KmsError('KMSInternalException', 'The request failed because of an internal error. It can be tried again.', { cause: error });
}

function fromCryptoError(error: CryptoError): KmsError {
  switch (error.code) {
    case 'invalid-ciphertext':
      return new KmsError('InvalidCiphertextException', undefined, { cause: error });
    case 'invalid-import-token':
      return new KmsError('InvalidImportTokenException', 'The import token is invalid, or it belongs to another key.', { cause: error });
    case 'incorrect-key-material':
      return new KmsError('IncorrectKeyMaterialException', 'The key material does not fit the key spec, or is not the material that the request says it is.', { cause: error });
    case 'unsupported':
      return new KmsError('UnsupportedOperationException', 'The HSM that holds this key cannot do this.', { cause: error });
    case 'busy':
      return new KmsError('ThrottlingException', 'Rate exceeded', { cause: error });
    case 'timeout':
    case 'unavailable':
      return new KmsError('DependencyTimeoutException', 'The HSM did not answer in time. Try again.', { cause: error });
    default:
      return new KmsError('KMSInternalException', 'The request failed because of an internal error. It can be tried again.', { cause: error });
  }
}

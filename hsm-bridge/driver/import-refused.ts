/** What a caller sent for an import is not what it must be. Carries nothing of it. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
  readonly reason: 'invalid-import-token' | 'incorrect-key-material';
  constructor(reason: ImportRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

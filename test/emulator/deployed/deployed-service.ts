import type { RecordStore } from '#shared/ports/record-store.ts';
import type { Archive } from '#test/support/archive.ts';
import type { Deployed } from '#test/support/deploy.ts';
import type { Credentials } from '#test/support/deployed-callers.ts';

/** The one deployment of deploy.test.ts, which the suites of this folder share: each has a file, none deploys. */
export interface DeployedService {
  readonly deployed: Deployed;
  /** The administrator. */
  readonly alice: Credentials;
  /** The deployment's tables, as somebody with access to DynamoDB sees them. */
  readonly store: RecordStore;
  readonly archive: Archive;
}

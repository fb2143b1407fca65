/** What the deployed service has archived. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';
import type { Deployed } from './deploy.ts';

export interface Archive {
  records(): Promise<AuditRecord[]>;
  alarms(): Promise<Alarm[]>;
  /** Reads again until there is what is waited for. @throws Error when it does not come */
  until<Entry>(read: () => Promise<Entry[]>, isThere: (entries: readonly Entry[]) => boolean): Promise<Entry[]>;
  close(): void;
}

const waitMs = 60_000;

export function openArchive(deployed: Deployed): Archive {
  const s3 = new S3Client({ ...deployed.client, forcePathStyle: true });
  const Bucket = deployed.outputs.audit?.ArchiveBucket;

  async function read<Entry>(Prefix: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken === undefined ? {} : { ContinuationToken }) }));
      for (const { Key } of page.Contents ?? []) {
        const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const text = (await object.Body?.transformToString()) ?? '';
        entries.push(
          ...text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Entry),
        );
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return entries;
  }

  return {
    records: () => read<AuditRecord>('audit/'),
    alarms: () => read<Alarm>('alarms/'),
    async until(again, isThere) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const entries = await again();
        if (isThere(entries)) return entries;
        if (performance.now() > deadline) throw new Error(`What was waited for did not come into the archive. It holds ${entries.length} entries.`);
        await sleep(500);
      }
    },
    close: () => s3.destroy(),
  };
}

/** The bridge behind the deployed functions dies, and loses its HSM, while the API is in use. Nobody does anything about it. */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wireCall } from '#test/support/deployed-callers.ts';
import { eventually } from '#test/support/eventually.ts';
import { startLedger } from '#test/support/ledger.ts';
import type { DeployedService } from './deployed-service.ts';

export function describeBridgeFaults(service: () => DeployedService): void {
  const load = () => startLedger(wireCall(service().deployed, service().alice), { callers: 4, keysPerHundred: 15 });

  describe('the HSM side of the deployed API, under load', () => {
    test('a bridge that is killed and started again costs retryable errors; everything answered before, meanwhile and after is there and opens', async () => {
      const { bridge } = service().deployed;
      const starts = bridge.keepRunning();
      const ledger = load();
      await ledger.progress(15);
      await bridge.kill();
      await ledger.trouble();
      await ledger.progress(15);
      await ledger.stop();

      await ledger.verify();
      expect([starts(), ledger.unanswered]).toEqual([1, []]);
    });

    test('an HSM that is lost and comes back costs retryable errors, and no answer is lost or wrong', async () => {
      const { bridge } = service().deployed;
      const starts = bridge.keepRunning();
      const tokens = join(bridge.token.dir, 'tokens');
      const ledger = load();
      await ledger.progress(12);
      const ended = bridge.exited();
      renameSync(tokens, `${tokens}-gone`);
      await ended;
      await ledger.trouble();
      rmSync(tokens, { recursive: true, force: true });
      renameSync(`${tokens}-gone`, tokens);
      await eventually('a bridge with its HSM', () => starts() === 1);
      await ledger.progress(12);
      await ledger.stop();

      await ledger.verify();
      expect(ledger.unanswered).toEqual([]);
    });
  });
}

import { X509Certificate } from 'node:crypto';
import type { MetricSink } from '#shared/metrics/metric-sink.ts';

const dayMs = 86_400_000;

/** @param certificates PEM by sort. One that cannot be read is left to the connection, which fails with a better reason. */
export function recordDaysLeft(metrics: MetricSink, certificates: Readonly<Partial<Record<'client' | 'authority', string>>>, now: number): void {
  for (const [certificate, pem] of Object.entries(certificates)) {
    try {
      metrics.record('CertificateDaysLeft', (new X509Certificate(pem).validToDate.getTime() - now) / dayMs, { certificate });
    } catch {
      // Not for a metric to say.
    }
  }
}

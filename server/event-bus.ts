/** What happened on this node, told to whoever subscribed in this process: audit records once they are durable, alarms as they are raised. */
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';

export type ServerEvent = { readonly kind: 'audit'; readonly record: AuditRecord } | { readonly kind: 'alarm'; readonly alarm: Alarm };

export interface EventBus {
  publish(event: ServerEvent): void;
  /** @returns a function that ends the subscription */
  subscribe(listener: (event: ServerEvent) => void): () => void;
}

/** Delivery is at once and in order. A subscriber that throws is reported and harms nobody. */
export function createEventBus(report: (problem: string) => void): EventBus {
  const listeners = new Set<(event: ServerEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          report(error instanceof Error ? error.name : 'unknown');
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

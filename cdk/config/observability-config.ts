/** Who is told, and from which values on. The defaults are a start: docs/runbooks/ says for each alarm how to find a better one. */
import * as z from 'zod';

export const observabilityConfigSchema = z.strictObject({
  /** Each address confirms its subscription by a mail from AWS. */
  emails: z.array(z.email()).max(20).default([]),
  /** Queues that take the notifications, for pagers and ticket systems. */
  queueArns: z
    .array(z.string().regex(/^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$/))
    .max(20)
    .default([]),
  /** Stands before `<alarm>.md` in the description of each alarm. */
  runbooks: z.string().min(1).max(300).default('docs/runbooks/'),
  /** Only a deployment that nobody relies on does without. Dashboards, topic and the service's own alarm events stay. */
  alarms: z.boolean().default(true),
  thresholds: z
    .strictObject({
      /** Of all requests. */
      faultPercent: z.number().positive().max(100).default(1),
      latencyP99Ms: z.int().min(1).default(2000),
      /** Refused for missing rights, in five minutes. */
      deniedRequests: z.int().min(1).default(200),
      queueWaitP99Ms: z.int().min(1).default(100),
      /** A rotation or destruction that is due longer than this. At least three runs of the sweep. */
      overdueMinutes: z.int().min(1).default(60),
      outboxMinutes: z.int().min(1).default(15),
      certificateDays: z.int().min(1).default(7),
      authorityDays: z.int().min(1).default(90),
      backupHours: z.int().min(1).default(26),
      /** Of the account in this Region: the alarm comes at four fifths. */
      lambdaConcurrency: z.int().min(10).default(1000),
      /** Requests that the web ACL blocks in five minutes. */
      blockedRequests: z.int().min(1).default(500),
    })
    .prefault({}),
});

export type ObservabilityConfig = z.output<typeof observabilityConfigSchema>;

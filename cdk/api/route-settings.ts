/** Throttles and logging of the stage and of single routes. What a route does not say, API Gateway does not take from the stage: each one says all. */
import { type MethodDeploymentOptions, MethodLoggingLevel } from 'aws-cdk-lib/aws-apigateway';
import { operations } from '#shared/operations/index.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';

const common = {
  // Never data tracing: it would write plaintext into the log.
  dataTraceEnabled: false,
  loggingLevel: MethodLoggingLevel.ERROR,
  metricsEnabled: true,
} satisfies MethodDeploymentOptions;

const throttle = (perSecond: number, burst: number): MethodDeploymentOptions => ({ ...common, throttlingRateLimit: perSecond, throttlingBurstLimit: burst });

export const stageSettings = throttle(2000, 1000);
const destructive = throttle(2, 5);
/** Making a key costs the HSM up to seconds. */
const makesKeys = throttle(20, 40);

/** By `path/METHOD`, for the routes that differ from the stage. The wire protocol has one route for all and the stage's settings. */
export const routeSettings: Readonly<Record<string, MethodDeploymentOptions>> = Object.fromEntries(
  operations.flatMap(({ name, http, needs }) => {
    const key = `${http.path}/${http.method}`;
    if (destructiveOperations.has(name)) return [[key, destructive]];
    return needs.includes('keyFactory') || needs.includes('importer') ? [[key, makesKeys]] : [];
  }),
);

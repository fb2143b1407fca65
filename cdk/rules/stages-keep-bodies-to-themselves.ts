import type { Rule } from './rule.ts';

interface Setting {
  readonly DataTraceEnabled?: boolean;
  readonly CachingEnabled?: boolean;
  readonly ThrottlingRateLimit?: number;
}

export const stagesKeepBodiesToThemselves: Rule = {
  name: 'stages-keep-bodies-to-themselves',
  because: 'Data tracing writes plaintext into a log, and a cached Decrypt survives the revocation of its grant.',
  check: (deployed) =>
    deployed.of('AWS::ApiGateway::Stage').flatMap((at) => {
      const {
        MethodSettings: settings = [],
        AccessLogSetting: log,
        CacheClusterEnabled: cache,
      } = at.resource.Properties as {
        MethodSettings?: Setting[];
        AccessLogSetting?: { Format?: string };
        CacheClusterEnabled?: boolean;
      };
      const wrong = [
        settings.length === 0 && 'has no settings for its methods',
        settings.some(({ DataTraceEnabled }) => DataTraceEnabled !== false) && 'does not switch data tracing off for each method',
        (cache === true || settings.some(({ CachingEnabled }) => CachingEnabled === true)) && 'caches answers',
        settings.some(({ ThrottlingRateLimit }) => ThrottlingRateLimit === undefined) && 'has methods without a throttle',
        (log?.Format === undefined || /body|authorization|\$input|security-token/i.test(log.Format)) && 'logs too much, or nothing',
      ];
      return wrong.filter((what) => what !== false).map((what) => ({ at, what }));
    }),
};

/** What stands in front of the API: who is let in, from where, how fast, and what the gateway says by itself. */
import { beforeAll, describe, expect, test } from 'vitest';
import { gatewayResponses } from '#cdk/api/gateway-responses.ts';
import { readConfig } from '#cdk/config/deployment-config.ts';
import { operations } from '#shared/operations/index.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';
import { ofType, productionContext, type Resource, readable, synthesise, type Template, type Templates } from './synthesised.ts';

interface Statement {
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Action: string;
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

let regional: Templates;
let restricted: Templates;
beforeAll(() => {
  regional = synthesise();
  restricted = synthesise({
    api: { accounts: ['444455556666'], organization: 'o-abcdefghij', cidrs: ['192.0.2.0/24'], custodian: { principals: ['arn:aws:iam::111122223333:user/carol'] } },
  });
});

const one = (template: Template, type: string): Resource => {
  const found = ofType(template, type);
  expect(found).toHaveLength(1);
  return found[0]![1];
};
const policyOf = (templates: Templates) => (one(templates.api, 'AWS::ApiGateway::RestApi').Properties.Policy as { Statement: Statement[] }).Statement;
const custodianOf = (templates: Templates) => ofType(templates.api, 'AWS::IAM::Role').find(([id]) => id.startsWith('Custodian'))![1];
const custodianArn = 'arn:<AWS::Partition>:iam::<AWS::AccountId>:role/chatelaine-custodian';

describe('who is let in', () => {
  test('of a regional API: the account itself, and nobody without TLS', () => {
    const [account, noTls, ...others] = policyOf(regional);

    expect(account).toMatchObject({
      Effect: 'Allow',
      Resource: 'execute-api:/*',
      Principal: { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':root']] } },
    });
    expect(noTls).toMatchObject({ Effect: 'Deny', Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    expect(others.map(({ Effect }) => Effect)).toEqual(['Deny']);
  });

  test('accounts, an organisation and addresses: no allow gives principals of the own account what their policies do not', () => {
    const [accounts, organization, , addresses] = policyOf(restricted);

    expect(JSON.stringify(accounts?.Principal)).toContain('444455556666');
    expect(organization).toMatchObject({
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-abcdefghij' }, StringNotEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } },
    });
    expect(addresses).toMatchObject({ Effect: 'Deny', Resource: 'execute-api:/*', Condition: { NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24'] } } });
    for (const { Effect, Principal, Condition } of policyOf(restricted)) if (Effect === 'Allow' && JSON.stringify(Principal).includes('"*"')) expect(Condition).toBeDefined();
  });

  test('of a private API: only who comes through the named endpoints', () => {
    const vpcEndpointIds = ['vpce-0123456789abcdef0'];
    const { api } = synthesise({ api: { endpoint: 'private', vpcEndpointIds } });
    const resource = one(api, 'AWS::ApiGateway::RestApi');

    expect(resource.Properties.EndpointConfiguration).toMatchObject({ Types: ['PRIVATE'] });
    expect((resource.Properties.Policy as { Statement: Statement[] }).Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Principal: { AWS: '*' }, Resource: 'execute-api:/*', Condition: { StringNotEquals: { 'aws:SourceVpce': vpcEndpointIds } } }),
    );
  });

  test('a change of the policy deploys the stage again, without which it would not hold', () => {
    const deployment = (templates: Templates) => ofType(templates.api, 'AWS::ApiGateway::Deployment').map(([id]) => id);

    expect(deployment(regional)).toHaveLength(1);
    expect(deployment(restricted)).not.toEqual(deployment(regional));
  });

  test('a private API that nobody could reach, and addresses on a private API, are refused', () => {
    const config = productionContext().chatelaine as Record<string, unknown>;

    expect(() => synthesise({ api: { endpoint: 'private' } })).toThrow('nobody reaches it');
    expect(() => readConfig({ ...config, api: { endpoint: 'private', cidrs: ['192.0.2.0/24'] } })).toThrow('Addresses say nothing');
  });
});

describe('the custodian', () => {
  test('is assumed with MFA of the last hour, for an hour', () => {
    const { AssumeRolePolicyDocument, MaxSessionDuration } = custodianOf(restricted).Properties as {
      AssumeRolePolicyDocument: { Statement: unknown[] };
      MaxSessionDuration: number;
    };

    expect(MaxSessionDuration).toBe(3600);
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::111122223333:user/carol' },
        Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' }, NumericLessThan: { 'aws:MultiFactorAuthAge': '3600' } },
      },
    ]);
  });

  test('is the only one whom the gateway lets onto destructive routes', () => {
    const deny = policyOf(regional).at(-1)!;
    const routes = operations
      .filter(({ name }) => destructiveOperations.has(name))
      .map(({ http }) => `execute-api:/prod/${http.method}${http.path.replaceAll(/\{[A-Za-z]+\}/g, '*')}`);

    expect(routes).toHaveLength(destructiveOperations.size);
    expect([...(deny.Resource as string[])].sort()).toEqual(routes.sort());
    expect(deny).toMatchObject({ Effect: 'Deny', Principal: { AWS: '*' } });
    const { ArnNotEquals } = deny.Condition as { ArnNotEquals: { 'aws:PrincipalArn': unknown } };
    expect(readable(ArnNotEquals['aws:PrincipalArn'], 'api', regional)).toBe(custodianArn);
    expect(custodianOf(regional).Properties.RoleName).toBe('chatelaine-custodian');
  });

  test('is the only one whom the dispatcher of the wire protocol hands to destructive operations', () => {
    const wire = ofType(regional.api, 'AWS::Lambda::Function').find(([id]) => id.startsWith('WireFunction'))![1];
    const { Variables } = wire.Properties.Environment as { Variables: Record<string, unknown> };

    expect(readable(Variables.CHATELAINE_CUSTODIAN_SESSIONS, 'api', regional)).toBe('arn:<AWS::Partition>:sts::<AWS::AccountId>:assumed-role/chatelaine-custodian/');
  });

  test('may call single routes of this API and nothing else', () => {
    const [{ PolicyDocument }] = custodianOf(regional).Properties.Policies as [{ PolicyDocument: { Statement: { Action: string; Resource: unknown[] }[] } }];

    expect(PolicyDocument.Statement.map(({ Action }) => Action)).toEqual(['execute-api:Invoke']);
    for (const resource of PolicyDocument.Statement[0]!.Resource) expect(readable(resource, 'api', regional)).toMatch(/:api\.Api\/prod\/(?:GET|POST|DELETE)\/v1\/keys/);
  });
});

describe('the stage', () => {
  test('speaks TLS 1.3 under its own name only', () => {
    expect(one(regional.api, 'AWS::ApiGateway::RestApi').Properties).toMatchObject({ SecurityPolicy: 'SecurityPolicy_TLS13_1_3_2025_09', EndpointAccessMode: 'STRICT' });
  });

  test('throttles destructive routes and the making of keys by themselves, and no setting of a route writes bodies', () => {
    const settings = one(regional.api, 'AWS::ApiGateway::Stage').Properties.MethodSettings as {
      ResourcePath: string;
      HttpMethod: string;
      ThrottlingRateLimit: number;
      DataTraceEnabled: boolean;
    }[];
    // API Gateway writes a slash of the path as ~1.
    const rate = (path: string) => settings.find(({ ResourcePath }) => ResourcePath.replaceAll('~1', '/').endsWith(path))?.ThrottlingRateLimit;

    expect(rate('/schedule-deletion')).toBe(2);
    expect(rate('/v1/keys')).toBe(20);
    for (const setting of settings) expect(setting).toMatchObject({ DataTraceEnabled: false, ThrottlingRateLimit: expect.any(Number), ThrottlingBurstLimit: expect.any(Number) });
  });

  test('logs who, what and how it ended, and neither header nor body', () => {
    const { Format } = one(regional.api, 'AWS::ApiGateway::Stage').Properties.AccessLogSetting as { Format: string };
    const fields = JSON.parse(Format) as Record<string, string>;

    expect(Object.keys(fields)).toEqual(
      expect.arrayContaining(['requestId', 'userArn', 'caller', 'callerAccountId', 'vpcEndpointId', 'sourceIp', 'status', 'responseType', 'authorizeError', 'wafStatus']),
    );
    for (const value of Object.values(fields)) expect(value).toMatch(/^\$context\.(?!authorizer)/);
  });
});

describe('the web ACL', () => {
  test('stands in front of the stage, and development may do without', () => {
    const association = one(regional.api, 'AWS::WAFv2::WebACLAssociation');
    const dev = synthesise({ profile: 'dev', api: { webAcl: false } });

    expect(readable(association.Properties.ResourceArn, 'api', regional)).toMatch(
      /^arn:<AWS::Partition>:apigateway:<AWS::Region>::\/restapis\/api\.Api\/stages\/api\.ApiDeploymentStageprod$/,
    );
    expect(ofType(dev.api, 'AWS::WAFv2::WebACL')).toEqual([]);
  });

  test('blocks what it finds, but for rules that take base64 text for an attack, and limits each address', () => {
    const { Rules, DefaultAction } = one(regional.api, 'AWS::WAFv2::WebACL').Properties as { Rules: Record<string, unknown>[]; DefaultAction: unknown };

    expect(DefaultAction).toEqual({ Allow: {} });
    expect(new Set(Rules.map(({ Priority }) => Priority)).size).toBe(Rules.length);
    expect(Rules.map(({ Name }) => Name)).toEqual(expect.arrayContaining(['AWSManagedRulesCommonRuleSet', 'AWSManagedRulesKnownBadInputsRuleSet', 'requests-per-address']));
    for (const { Action, OverrideAction } of Rules) expect(Action ?? OverrideAction).toEqual(Action === undefined ? { None: {} } : { Block: {} });
  });

  test('keeps signatures, session tokens and queries out of its log', () => {
    const logging = one(regional.api, 'AWS::WAFv2::LoggingConfiguration');

    expect(logging.Properties.RedactedFields).toEqual([{ SingleHeader: { Name: 'authorization' } }, { SingleHeader: { Name: 'x-amz-security-token' } }, { QueryString: {} }]);
    expect(readable((logging.Properties.LogDestinationConfigs as unknown[])[0], 'api', regional)).toMatch(/:log-group:aws-waf-logs-chatelaine$/);
  });
});

describe('what the gateway answers by itself', () => {
  const responses = Object.entries(
    gatewayResponses as Record<string, { statusCode: string; responseParameters: Record<string, string>; responseTemplates: Record<string, string> }>,
  );

  test.each(responses)('%s is an error of the service in both protocols', (_, { statusCode, responseParameters, responseTemplates }) => {
    const body = JSON.parse(responseTemplates['application/json']!) as Record<string, unknown>;

    expect(body).toMatchObject({
      __type: body.code,
      title: body.code,
      type: `urn:chatelaine:error:${String(body.code)}`,
      status: Number(statusCode),
      requestId: '$context.requestId',
    });
    expect(body.message ?? body.Message).toBe(body.detail);
    expect(responseParameters['gatewayresponse.header.x-amzn-errortype']).toBe(`'${String(body.code)}'`);
  });

  test('never carries a message of the gateway: those name policies and resources', () => {
    expect(JSON.stringify(gatewayResponses)).not.toContain('$context.error');
    expect(responses.map(([type]) => type)).toEqual(expect.arrayContaining(['DEFAULT_4XX', 'DEFAULT_5XX', 'ACCESS_DENIED', 'MISSING_AUTHENTICATION_TOKEN', 'THROTTLED']));
  });
});

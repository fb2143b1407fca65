import { describe, expect, test } from 'vitest';
import { deployedOpenApi } from '#cdk/constructs/deployed-openapi.ts';
import { openApiDocument } from '#shared/openapi.ts';
import { operations } from '#shared/operations/index.ts';

const document = openApiDocument(operations, '0');

/** Every value of a member name, anywhere in the document. */
function valuesOf(name: string, node: unknown): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([member, value]) => [...(member === name ? [value] : []), ...valuesOf(name, value)]);
}

describe('the OpenAPI document', () => {
  test('has one route per operation and the wire protocol', () => {
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));

    expect(ids.sort()).toEqual([...operations.map(({ name }) => name), 'AwsJson'].sort());
  });

  test('refers only to schemas that it has', () => {
    for (const reference of valuesOf('$ref', document)) expect(document.components.schemas).toHaveProperty(String(reference).replace('#/components/schemas/', ''));
  });

  test('describes the wire: blobs are base64 text, and inner marks stay inside', () => {
    const { EncryptRequest, EncryptResponse } = document.components.schemas;

    expect(EncryptRequest?.properties?.Plaintext).toEqual({ type: 'string', format: 'byte' });
    expect(EncryptResponse?.properties?.CiphertextBlob).toEqual({ type: 'string', format: 'byte' });
    expect(JSON.stringify(document)).not.toContain('sensitive');
  });

  test('puts path members into the path, and the rest of GET and DELETE into the query', () => {
    const describeKeys = document.paths['/v1/keys']?.get;
    const encrypt = document.paths['/v1/keys/{KeyId}/encrypt']?.post;

    expect(describeKeys?.parameters?.map(({ name, in: place }) => `${place} ${name}`)).toEqual(['query Limit', 'query Marker', 'query ResourceOwners']);
    expect(encrypt?.parameters?.map(({ name, in: place }) => `${place} ${name}`)).toEqual(['path KeyId']);
    expect(Object.keys(document.components.schemas.EncryptRequest?.properties ?? {})).not.toContain('KeyId');
  });

  test('demands a signature everywhere', () => {
    for (const methods of Object.values(document.paths)) for (const { security } of Object.values(methods)) expect(security).toEqual([{ sigv4: [] }]);
  });
});

describe('the document as deployed', () => {
  test('has the same routes, IAM authorization on each, and no schema by which the gateway could refuse unrecorded', () => {
    const deployed = deployedOpenApi(operations, (name) => `uri-of-${name ?? 'wire'}`) as unknown as typeof document;

    expect(Object.keys(deployed.paths)).toEqual(Object.keys(document.paths));
    expect(valuesOf('x-amazon-apigateway-auth', deployed)).toHaveLength(operations.length + 1);
    expect(deployed.components.schemas).toBeUndefined();
    expect(valuesOf('requestBody', deployed)).toEqual([]);
  });
});

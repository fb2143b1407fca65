/** ListKeyPolicies: always the one name. AWS KMS API Reference, ListKeyPolicies. */
import * as z from 'zod';
import { keyId } from '#shared/fields/key-id.ts';
import { limit, marker, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { onlyPolicyName } from '#shared/fields/policy-name.ts';
import { defineOperation } from '#shared/operation.ts';

export const ListKeyPolicies = defineOperation({
  name: 'ListKeyPolicies',
  group: 'Policies',
  summary: 'Lists the names of the policies of a key.',
  http: { method: 'GET', path: '/v1/keys/{KeyId}/policies' },
  input: z.object({ KeyId: keyId(), Limit: limit(1000), Marker: marker() }),
  output: z.object({ PolicyNames: z.array(z.string()), ...pageOutput }),
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: ['InvalidMarkerException'],
  audit: (input) => ({ keyId: input.KeyId }),

  async run(_, input) {
    readMarker('ListKeyPolicies', input.Marker);
    return { PolicyNames: [onlyPolicyName], Truncated: false };
  },
});

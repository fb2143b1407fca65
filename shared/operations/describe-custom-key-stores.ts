/** DescribeCustomKeyStores: one store, or all of the account in the Region. AWS KMS API Reference, DescribeCustomKeyStores. */
import * as z from 'zod';
import { keyStoreId, keyStoreName } from '#shared/fields/key-store.ts';
import { invalidMarker, limit, marker, pageEnd, pageOutput, readMarker } from '#shared/fields/pagination.ts';
import { timestamp } from '#shared/fields/timestamp.ts';
import { connectionOf, type KeyStore } from '#shared/key-stores/key-store-record.ts';
import { defineOperation } from '#shared/operation.ts';

const keyStoreEntry = z
  .object({
    CustomKeyStoreId: z.string(),
    CustomKeyStoreName: z.string(),
    CloudHsmClusterId: z.string(),
    TrustAnchorCertificate: z.string(),
    ConnectionState: z.enum(['CONNECTED', 'DISCONNECTED', 'FAILED']),
    ConnectionErrorCode: z.literal('CLUSTER_NOT_FOUND').optional(),
    CreationDate: timestamp(),
    CustomKeyStoreType: z.literal('AWS_CLOUDHSM'),
    /** Beyond AWS KMS: what kind of HSM the bridge talks to. */
    HsmProfile: z.string(),
  })
  .meta({ id: 'CustomKeyStore' });

export const DescribeCustomKeyStores = defineOperation({
  name: 'DescribeCustomKeyStores',
  group: 'Key stores',
  summary: 'Shows custom key stores and whether they are connected.',
  http: { method: 'GET', path: '/v1/key-stores' },
  input: z.object({ CustomKeyStoreId: keyStoreId().optional(), CustomKeyStoreName: keyStoreName().optional(), Limit: limit(1000), Marker: marker() }),
  output: z.object({ CustomKeyStores: z.array(keyStoreEntry), ...pageOutput }),
  needs: ['keyStores'],
  errors: ['CustomKeyStoreNotFoundException', 'InvalidMarkerException', 'ValidationException'],
  audit: (input) => ({ customKeyStoreId: input.CustomKeyStoreId ?? null, customKeyStoreName: input.CustomKeyStoreName ?? null }),

  check(ctx, input) {
    if (input.CustomKeyStoreId !== undefined && input.CustomKeyStoreName !== undefined) {
      throw ctx.error('ValidationException', 'CustomKeyStoreId and CustomKeyStoreName cannot be specified in the same request.');
    }
  },

  async run(ctx, input) {
    const { CustomKeyStoreId: id, CustomKeyStoreName: name, Limit: size = 100 } = input;
    const position = readMarker('DescribeCustomKeyStores', input.Marker);
    const { stores } = await ctx.ports.keyStores.of(ctx.caller);
    if (id !== undefined || name !== undefined) {
      const found = stores.find((store) => store.keyStoreId === id || store.name === name);
      if (found === undefined) throw ctx.error('CustomKeyStoreNotFoundException', `The custom key store ${id ?? JSON.stringify(name)} does not exist.`);
      return { CustomKeyStores: [entryOf(found)], ...pageEnd('DescribeCustomKeyStores', undefined) };
    }
    // By creation time and not by place: stores may be deleted between two pages.
    const ordered = stores.map((store) => ({ store, sortKey: sortKeyOf(store) })).sort((a, b) => (a.sortKey < b.sortKey ? -1 : 1));
    if (position !== undefined && !/^[0-9]{15} cks-[0-9a-f]{17}$/.test(position)) throw invalidMarker();
    const rest = ordered.filter(({ sortKey }) => position === undefined || sortKey > position);
    const shown = rest.slice(0, size);
    return { CustomKeyStores: shown.map(({ store }) => entryOf(store)), ...pageEnd('DescribeCustomKeyStores', rest.length > size ? shown.at(-1)?.sortKey : undefined) };
  },
});

const sortKeyOf = ({ createdAt, keyStoreId: id }: KeyStore): string => `${String(createdAt).padStart(15, '0')} ${id}`;

const entryOf = (store: KeyStore): z.output<typeof keyStoreEntry> => ({
  CustomKeyStoreId: store.keyStoreId,
  CustomKeyStoreName: store.name,
  CloudHsmClusterId: store.clusterId,
  TrustAnchorCertificate: store.trustAnchor,
  ConnectionState: connectionOf(store),
  ConnectionErrorCode: connectionOf(store) === 'FAILED' ? 'CLUSTER_NOT_FOUND' : undefined,
  CreationDate: new Date(store.createdAt),
  CustomKeyStoreType: 'AWS_CLOUDHSM',
  HsmProfile: store.hsmProfile,
});

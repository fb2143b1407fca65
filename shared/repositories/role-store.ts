/** Roles and bindings as the operations that manage them see them. */
import { accountOfArn } from '#shared/policy/principal-names.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { type BindingRecord, type RoleRecord, readBinding, readRole, type Stored } from './access-records.ts';
import { bindingListPartition, bindingRow, roleListPartition, roleRow } from './access-rows.ts';
import type { Slice } from './key-lister.ts';
import type { RowReader } from './row-reader.ts';

export interface RoleStore {
  role(account: string, name: string): Promise<Stored<RoleRecord> | undefined>;
  roles(account: string, limit: number, from?: string): Promise<Slice<RoleRecord>>;
  binding(principal: string): Promise<Stored<BindingRecord> | undefined>;
  bindings(account: string, limit: number, from?: string): Promise<Slice<BindingRecord>>;
}

export function createRoleStore({ store, rows }: { readonly store: Pick<RecordStore, 'query'>; readonly rows: RowReader }): RoleStore {
  const read = async <Record>(row: ReturnType<typeof roleRow>, parse: (item: Parameters<typeof readRole>[0]) => Record): Promise<Stored<Record> | undefined> => {
    const snapshot = rows.open();
    await snapshot.load([row]);
    const item = snapshot.get(row);
    await rows.requireSeals([item]);
    return item === undefined ? undefined : { record: parse(item), rev: item.rev };
  };
  const slice = async <Record>(
    pk: string,
    limit: number,
    from: string | undefined,
    parse: (item: Parameters<typeof readRole>[0]) => Record,
    own: Parameters<RowReader['listed']>[1],
  ): Promise<Slice<Record>> => {
    const page = await store.query({ table: 'core', index: 'list', pk, limit, ...(from === undefined ? {} : { after: from }) });
    return { records: (await rows.listed(page.items, own)).map(parse), next: page.next };
  };
  return {
    role: (account, name) => read(roleRow({ account, name }), readRole),
    roles: (account, limit, from) => slice(roleListPartition(account), limit, from, readRole, ({ name }) => roleRow({ account, name: String(name) })),
    binding: (principal) => read(bindingRow(principal), readBinding),
    bindings: (account, limit, from) =>
      slice(bindingListPartition(account), limit, from, readBinding, ({ principal }) => (accountOfArn(String(principal)) === account ? bindingRow(String(principal)) : undefined)),
  };
}

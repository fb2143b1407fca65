/**
 * Records as DynamoDB items and back, and port requests as DynamoDB requests. The body is one JSON text and not a map: it comes back with the
 * same bytes, costs one attribute to read, and no number loses precision.
 */
import type { AttributeValue, QueryCommandInput, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type Condition, type Item, type ItemKey, indexNames, type Page, type Query, type TableName, type Write } from '#shared/ports/record-store.ts';
import type { SortKeyRange } from '#shared/ports/record-store-rules.ts';
import { attribute } from './dynamodb-tables.ts';

export type Attributes = Record<string, AttributeValue>;
export type PhysicalNames = Readonly<Record<TableName, string>>;

export function toKey(key: ItemKey): Attributes {
  return { [attribute.pk]: { S: key.pk }, [attribute.sk]: { S: key.sk } };
}

export function toAttributes(item: Item): Attributes {
  const attributes: Attributes = { ...toKey(item), [attribute.rev]: { N: String(item.rev) }, [attribute.body]: { S: JSON.stringify(item.body) } };
  if (item.seal !== undefined) attributes[attribute.seal] = { S: item.seal };
  if (item.expiresAt !== undefined) attributes[attribute.expiresAt] = { N: String(item.expiresAt) };
  for (const name of indexNames) {
    const entry = item.index?.[name];
    if (entry === undefined) continue;
    attributes[attribute.indexPk(name)] = { S: entry.pk };
    attributes[attribute.indexSk(name)] = { S: entry.sk };
  }
  return attributes;
}

export function toItem(table: TableName, attributes: Attributes): Item {
  const text = (name: string) => attributes[name]?.S;
  const entries = indexNames.flatMap((name) => {
    const pk = text(attribute.indexPk(name));
    const sk = text(attribute.indexSk(name));
    return pk === undefined || sk === undefined ? [] : [[name, { pk, sk }] as const];
  });
  const seal = text(attribute.seal);
  const expiresAt = attributes[attribute.expiresAt]?.N;
  return {
    table,
    pk: text(attribute.pk)!,
    sk: text(attribute.sk)!,
    rev: Number(attributes[attribute.rev]?.N),
    body: JSON.parse(text(attribute.body)!),
    ...(seal === undefined ? {} : { seal }),
    ...(entries.length === 0 ? {} : { index: Object.fromEntries(entries) }),
    ...(expiresAt === undefined ? {} : { expiresAt: Number(expiresAt) }),
  };
}

export interface ConditionMembers {
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Attributes;
}

export function toCondition(condition: Condition | undefined): ConditionMembers {
  if (condition === undefined) return {};
  if ('absent' in condition) return { ConditionExpression: 'attribute_not_exists(#pk)', ExpressionAttributeNames: { '#pk': attribute.pk } };
  if ('exists' in condition) return { ConditionExpression: 'attribute_exists(#pk)', ExpressionAttributeNames: { '#pk': attribute.pk } };
  return { ConditionExpression: '#rev = :rev', ExpressionAttributeNames: { '#rev': attribute.rev }, ExpressionAttributeValues: { ':rev': { N: String(condition.rev) } } };
}

export function toTransactItem(tables: PhysicalNames, write: Write): TransactWriteItem {
  const condition = toCondition(write.if);
  if ('put' in write) return { Put: { TableName: tables[write.put.table], Item: toAttributes(write.put), ...condition } };
  if ('delete' in write) return { Delete: { TableName: tables[write.delete.table], Key: toKey(write.delete), ...condition } };
  return { ConditionCheck: { TableName: tables[write.check.table], Key: toKey(write.check), ConditionExpression: undefined, ...condition } };
}

export function toQueryInput(tables: PhysicalNames, query: Query, range: SortKeyRange): QueryCommandInput {
  const { low, high } = range;
  const sortKey = toSortKeyCondition(query, range);
  // DynamoDB takes one condition on the sort key, and BETWEEN includes both ends: ends that do not belong are asked for and dropped.
  const dropped = low !== undefined && high !== undefined && !sortKey.startsWith('begins_with') ? [low, high].filter((bound) => !bound.inclusive).length : 0;
  const values: Attributes = { ':pk': { S: query.pk } };
  if (sortKey.includes(':low')) values[':low'] = { S: low!.value };
  if (sortKey.includes(':high')) values[':high'] = { S: high!.value };
  return {
    TableName: tables[query.table],
    ...(query.index === undefined ? { ConsistentRead: true } : { IndexName: query.index }),
    KeyConditionExpression: `#pk = :pk${sortKey === '' ? '' : ` AND ${sortKey}`}`,
    ExpressionAttributeNames: { '#pk': partitionName(query), ...(sortKey === '' ? {} : { '#sk': sortName(query) }) },
    ExpressionAttributeValues: values,
    Limit: query.limit + dropped,
    ScanIndexForward: !query.descending,
  };
}

function toSortKeyCondition(query: Query, { low, high }: SortKeyRange): string {
  if (query.prefix && query.after === undefined) return 'begins_with(#sk, :low)';
  if (low !== undefined && high !== undefined) return '#sk BETWEEN :low AND :high';
  if (low !== undefined) return `#sk ${low.inclusive ? '>=' : '>'} :low`;
  return high === undefined ? '' : `#sk ${high.inclusive ? '<=' : '<'} :high`;
}

export function toPage(query: Query, range: SortKeyRange, found: readonly Attributes[], last: Attributes | undefined): Page {
  const name = sortName(query);
  const isEnd = (attributes: Attributes) => [range.low, range.high].some((bound) => bound !== undefined && !bound.inclusive && attributes[name]?.S === bound.value);
  const kept = found.filter((attributes) => !isEnd(attributes));
  const page = kept.slice(0, query.limit);
  const next = kept.length > query.limit ? page.at(-1) : last;
  return { items: page.map((attributes) => toItem(query.table, attributes)), ...(next === undefined ? {} : { next: next[name]!.S! }) };
}

function partitionName(query: Query): string {
  return query.index === undefined ? attribute.pk : attribute.indexPk(query.index);
}

function sortName(query: Query): string {
  return query.index === undefined ? attribute.sk : attribute.indexSk(query.index);
}

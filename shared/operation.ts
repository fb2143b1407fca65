/**
 * defineOperation: the one description of an operation that routes, schemas, IAM grants, permission names, audit fields, docs and contract
 * tests are derived from. An operation can only use the ports in `needs` and only throw the codes in `errors`: anything else does not compile.
 */
import type * as z from 'zod';
import type { KmsError, KmsErrorCode } from '#shared/errors.ts';
import type { JsonObject } from '#shared/json.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { RequestAccess } from '#shared/policy/request-access.ts';
import type { PortName, Ports } from '#shared/ports/ports.ts';
import type { KeyReference, LoadedKey } from '#shared/repositories/key-reader.ts';
import type { ListKind, RowKind } from '#shared/repositories/partitions.ts';

export interface Context<Need extends PortName, Code extends KmsErrorCode, Role extends string> {
  readonly caller: Caller;
  readonly partition: string;
  readonly requestId: string;
  /** Milliseconds since the epoch, fixed for the request. */
  readonly now: number;
  /** The keys that the request names, already found and authorized. */
  readonly keys: Readonly<Record<Role, LoadedKey>>;
  readonly ports: Pick<Ports, Need>;
  /** Further questions about what the caller may do: the pipeline has asked the usual ones already. */
  readonly access: RequestAccess;
  error(code: Code, message?: string): KmsError<Code>;
}

/** Groups of the generated documentation. */
export type OperationGroup = 'Keys' | 'Cryptography' | 'Key stores' | 'Aliases' | 'Rotation' | 'Tags' | 'Policies' | 'Import' | 'Grants' | 'Access';

export type Permission = `kms:${string}` | `chatelaine:${string}`;

/** Something beside keys that an operation acts on, and the permission for it where it is not the operation's own. */
export interface NamedResource {
  readonly arn: string;
  readonly permission?: Permission;
  /** The role of the key that it is made after: policies may ask about that key's properties. */
  readonly ofRole?: string;
}
export type ResourceOwner = { readonly partition: string; readonly caller: Caller };

export interface OperationDefinition<
  Name extends string,
  Input extends z.ZodObject,
  Output extends z.ZodObject | undefined,
  Need extends PortName,
  Code extends KmsErrorCode,
  Role extends string,
> {
  /** AWS's own name: also the X-Amz-Target suffix and the default `kms:` permission. */
  readonly name: Name;
  readonly group: OperationGroup;
  /** One sentence for the docs. */
  readonly summary: string;
  readonly http: { readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; readonly path: `/v1/${string}` };
  readonly input: Input;
  /** Absent: the answer has no body. */
  readonly output: Output;
  /** The keys that the request means. Authorization, state rules and audit apply to each. */
  readonly keys?: (input: z.output<Input>) => Readonly<Record<Role, KeyReference>>;
  /** Permission per key role where it is not `kms:<name>`. */
  readonly permissions?: Readonly<Record<Role, Permission>>;
  /** False: not in AWS's API, so only REST reaches it, and its permission is `chatelaine:<name>` where `permissions` says no other. */
  readonly wire?: false;
  /** 'identity': the caller's own documents decide about the keys, not their policies. 'own': the operation decides in run(). */
  readonly authorization?: 'identity' | 'own';
  /** run() answers DryRun itself: what would fail is known only there. */
  readonly dryRun?: 'own';
  /** What identity documents must allow beside the keys: without keys and without this, the operation on `*`. */
  readonly resources?: (input: z.output<Input>, owner: ResourceOwner) => readonly NamedResource[];
  /** Roles whose key may be in any state: the operation is about something that points to it. */
  readonly statelessRoles?: readonly string[];
  /** The operation takes Recipient: this member of its answer is then sealed for the enclave and stands in CiphertextForRecipient. */
  readonly recipient?: Output extends z.ZodObject ? keyof z.output<Output> & string : never;
  /** Load the material of each key in the same read. */
  readonly material?: boolean;
  /** A request may name a key by an alias. */
  readonly byAlias?: true;
  /** What rows the change writes; its outbox row goes without saying. The committer refuses others, and on AWS the function's role does. */
  readonly changes?: readonly RowKind[];
  /** What rows the change removes. */
  readonly removes?: readonly RowKind[];
  /** The lists of an account that it reads. */
  readonly lists?: readonly ListKind[];
  readonly needs: readonly Need[];
  readonly errors: readonly Code[];
  /** Members of the request that the audit record keeps. Never plaintext, ciphertext, signatures, or encryption-context values. */
  audit(input: z.output<Input>): JsonObject;
  /** Usage, algorithm and size rules. They come before the key-state rules, as in AWS KMS. */
  check?(ctx: Context<never, Code, Role>, input: z.output<Input>): void;
  run(ctx: Context<Need, Code, Role>, input: z.output<Input>): Promise<Output extends z.ZodObject ? z.output<Output> : undefined>;
}

/** What the pipeline sees: every type parameter erased. */
export interface Operation {
  readonly name: string;
  readonly group: OperationGroup;
  readonly summary: string;
  readonly http: { readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; readonly path: `/v1/${string}` };
  readonly input: z.ZodObject;
  readonly output: z.ZodObject | undefined;
  readonly keys?: (input: Record<string, unknown>) => Readonly<Record<string, KeyReference>>;
  readonly permissions?: Readonly<Record<string, Permission>>;
  readonly wire?: false;
  readonly authorization?: 'identity' | 'own';
  readonly dryRun?: 'own';
  readonly resources?: (input: Record<string, unknown>, owner: ResourceOwner) => readonly NamedResource[];
  readonly statelessRoles?: readonly string[];
  readonly recipient?: string;
  readonly material?: boolean;
  /** Its items are requests of this operation (shared/batch-operation.ts). */
  readonly batchOf?: Operation;
  readonly byAlias?: true;
  readonly changes?: readonly RowKind[];
  readonly removes?: readonly RowKind[];
  readonly lists?: readonly ListKind[];
  readonly needs: readonly PortName[];
  readonly errors: readonly KmsErrorCode[];
  audit(input: Record<string, unknown>): JsonObject;
  check?(ctx: Context<never, KmsErrorCode, string>, input: Record<string, unknown>): void;
  run(ctx: Context<PortName, KmsErrorCode, string>, input: Record<string, unknown>): Promise<Record<string, unknown> | undefined>;
}

export function defineOperation<
  const Name extends string,
  Input extends z.ZodObject,
  Output extends z.ZodObject | undefined,
  const Need extends PortName = never,
  const Code extends KmsErrorCode = never,
  Role extends string = never,
>(definition: OperationDefinition<Name, Input, Output, Need, Code, Role>): Operation & { readonly name: Name } {
  return definition as unknown as Operation & { readonly name: Name };
}

/** The permission that a role of the operation asks for; with no such role, the operation's own. */
export function permissionFor(operation: Pick<Operation, 'name' | 'permissions' | 'wire'>, role: string): Permission {
  return operation.permissions?.[role] ?? `${operation.wire === false ? 'chatelaine' : 'kms'}:${operation.name}`;
}

/** The operations that use keys and change none. Their functions get a bundle of their own (docs/adr/0026). */
export const isDataPlane = ({ group }: Pick<Operation, 'group'>): boolean => group === 'Cryptography';

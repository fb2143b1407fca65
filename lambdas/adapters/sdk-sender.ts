/**
 * The AWS SDK's clients behind one narrow shape: an operation's name and input in, its answer or an AwsAnswerError out, sent once. Repeats are the caller's
 * business, who knows whether a request may be sent twice.
 */
export interface SdkSettings {
  readonly region?: string | undefined;
  /** Default: AWS_ENDPOINT_URL, or the service's own host in the Region. */
  readonly endpoint?: string | undefined;
  /** Default: what the Lambda service puts in the environment for the function's role. */
  readonly credentials?: AwsCredentials | undefined;
}

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** An error answer of the service. Its name is the error's code. Any other error means that there was no answer. */
export class AwsAnswerError extends Error {
  readonly status: number;
  /** The members of the SDK's exception: some errors carry details. */
  readonly details: Readonly<Record<string, unknown>>;
  constructor(name: string, message: string, status: number, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = name;
    this.status = status;
    this.details = details;
  }
}

/** What a client's constructor is given: everything that is set, and no attempt but the first. */
export function clientConfig({ region, endpoint, credentials }: SdkSettings) {
  return {
    maxAttempts: 1,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

interface SdkClient {
  // biome-ignore lint/suspicious/noExplicitAny: each client of the SDK has its own command type
  send(command: any, options: { abortSignal: AbortSignal }): Promise<any>;
  destroy(): void;
}

export interface SdkSender {
  /** @throws AwsAnswerError for an answer that is not a success */
  send(operation: string, input: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

// biome-ignore lint/suspicious/noExplicitAny: constructors of commands with inputs of every shape
export function throughSdk(client: SdkClient, commands: Readonly<Record<string, new (input: any) => unknown>>): SdkSender {
  return {
    async send(operation, input, { abortSignal }) {
      const Command = commands[operation];
      if (Command === undefined) throw new Error(`There is no command for ${operation}.`);
      try {
        return await client.send(new Command(input), { abortSignal });
      } catch (error) {
        throw asAnswer(error) ?? error;
      }
    },
    destroy: () => client.destroy(),
  };
}

/** A client that is made when it is first used. A failure to load it fails that request; the next one tries again. */
export function onDemand(load: () => Promise<SdkSender>): SdkSender {
  let loaded: Promise<SdkSender> | undefined;
  return {
    async send(operation, input, options) {
      loaded ??= load();
      const sender = await loaded.catch((error: unknown) => {
        loaded = undefined;
        throw error;
      });
      return await sender.send(operation, input, options);
    },
    destroy: () => void loaded?.then((sender) => sender.destroy()).catch(() => undefined),
  };
}

function asAnswer(error: unknown): AwsAnswerError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  // A connection that failed has no status.
  if ($metadata?.httpStatusCode === undefined) return undefined;
  return new AwsAnswerError(error.name, error.message, $metadata.httpStatusCode, { ...error });
}

/** Runs on a schedule, and as a custom resource, so that the first certificates are there before the bridge starts. */
import type { Issued } from '../authority/issue-certificates.ts';
import { errorNames, logLine } from '../log-line.ts';

/** The part of CloudFormation's request that is answered. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

export interface CertificateAuthorityHandlerSettings {
  readonly issue: () => Promise<Issued>;
  /** What CloudFormation is told goes to the address that it signed. */
  readonly answer?: (url: string, body: string) => Promise<void>;
}

const answerByHttp = async (url: string, body: string): Promise<void> => {
  // CloudFormation signs an empty content type.
  const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': '' }, signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`CloudFormation's bucket answered ${response.status}.`);
};

export function createCertificateAuthorityHandler({ issue, answer = answerByHttp }: CertificateAuthorityHandlerSettings) {
  return async (event: unknown): Promise<void> => {
    const request = isCustomResource(event) ? event : undefined;
    let failure: string | undefined;
    try {
      // Certificates and the authority outlive the resource.
      if (request?.RequestType !== 'Delete') logLine('info', { event: 'certificates-issued', secrets: (await issue()).written });
    } catch (error) {
      failure = errorNames(error).join(' ');
      logLine('error', { event: 'certificates-not-issued', errors: errorNames(error) });
      // The schedule's own retries and its dead-letter queue take it from here.
      if (request === undefined) throw error;
    }
    if (request !== undefined) await answer(request.ResponseURL, answerTo(request, failure));
  };
}

function answerTo({ StackId, RequestId, LogicalResourceId }: CustomResourceEvent, failure: string | undefined): string {
  const outcome = failure === undefined ? { Status: 'SUCCESS' } : { Status: 'FAILED', Reason: `The certificates were not issued: ${failure}` };
  return JSON.stringify({ ...outcome, PhysicalResourceId: 'certificates', StackId, RequestId, LogicalResourceId });
}

const isCustomResource = (event: unknown): event is CustomResourceEvent => typeof event === 'object' && event !== null && 'ResponseURL' in event && 'RequestType' in event;

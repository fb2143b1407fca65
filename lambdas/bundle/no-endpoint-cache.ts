/**
 * Stands in the bundles for @aws-sdk/endpoint-cache, where the DynamoDB client would keep endpoints that it asked DynamoDB for. The functions ask for none: the
 * endpoint follows from the Region, or from AWS_ENDPOINT_URL. An endpoint that nobody keeps is asked for again, should discovery ever be turned on.
 */
export class EndpointCache {
  getEndpoint(): undefined {
    return undefined;
  }
  get(): undefined {
    return undefined;
  }
  has(): boolean {
    return false;
  }
  set(): void {}
  delete(): void {}
  clear(): void {}
}

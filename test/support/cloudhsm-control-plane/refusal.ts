/** An error answer of the API, by the names of its model. */
export class Refusal extends Error {
  override readonly name: string;
  readonly status: number;
  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

export const invalid = (message: string): Refusal => new Refusal('CloudHsmInvalidRequestException', message);
export const notFound = (id: string): Refusal => new Refusal('CloudHsmResourceNotFoundException', `The request was refused because ${id} does not exist.`);

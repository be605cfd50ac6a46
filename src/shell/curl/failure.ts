/** An end that curl has an exit code for. The message is printed as `curl: (code) message`. */
export class CurlFailure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Wrong usage: printed as `curl: message`, exit code 2. */
export class CurlUsage extends Error {}

export const CERTIFICATE_ADVICE = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
`;

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Provider } from "oidc-provider";
import type { Certified } from "../make/certificates.ts";

/** What the provider says of a person, beside who they are. */
export type Person = {
  readonly preferred_username?: string;
  readonly email?: string;
  readonly groups?: readonly string[];
  readonly amr?: string[];
};

/** A hospital's sign-in service, by the OpenID Foundation's certified server library; whoever is in `people` signs in by their name alone. */
export type SignInProvider = AsyncDisposable & {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly people: Map<string, Person>;
  /** The box that may use it comes to be known after it, which needs its address. */
  readonly register: (redirectUri: string) => void;
};

export async function startProvider(tls?: Certified): Promise<SignInProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(503).end();
  const listener = (request: IncomingMessage, response: ServerResponse) => handle(request, response);
  const server = tls
    ? createTlsServer({ key: await readFile(tls.key), cert: await readFile(tls.certificate) }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const people = new Map<string, Person>();
  const [clientId, clientSecret] = ["segbox", "a secret between the two"];
  return {
    issuer,
    clientId,
    clientSecret,
    people,
    register(redirectUri) {
      const provider = new Provider(issuer, {
        clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
        claims: { openid: ["sub"], profile: ["preferred_username", "email", "groups"], amr: null },
        features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
        cookies: { keys: ["a key of the test"] },
        pkce: { required: () => true },
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
        async loadExistingGrant(context) {
          const grant = new context.oidc.provider.Grant({ clientId, accountId: context.oidc.session!.accountId! });
          grant.addOIDCScope("openid profile");
          await grant.save();
          return grant;
        },
      });
      const callback = provider.callback();
      handle = (request, response) => {
        if (!request.url?.startsWith("/interaction/")) return void callback(request, response);
        void interact(provider, people, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The provider's own page: who are you? */
async function interact(
  provider: Provider,
  people: Map<string, Person>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST") {
    const page =
      '<!doctype html><title>Staff</title><form method="post"><label>Staff number <input name="sub" autofocus></label><button>Go on</button></form>';
    response.writeHead(200, { "Content-Type": "text/html" }).end(page);
    return;
  }
  const sub = new URLSearchParams(await text(request)).get("sub") ?? "";
  const person = people.get(sub);
  const result = person
    ? { login: { accountId: sub, ...(person.amr && { amr: person.amr }) } }
    : { error: "access_denied", error_description: "nobody of that number" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

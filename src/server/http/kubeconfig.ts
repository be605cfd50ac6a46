import { stringify } from 'yaml';

/** A kubeconfig for the learner's own tools. The token in it is the session's and ends with it. */
export function kubeconfigFor(lab: string, access: { token: string; api: { url: string; ca: string } }): string {
  const name = `academy-${lab}`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: access.api.url,
          'certificate-authority-data': Buffer.from(access.api.ca).toString('base64'),
        },
      },
    ],
    users: [{ name, user: { token: access.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
}

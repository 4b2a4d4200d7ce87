import { programName } from './program-name.ts'

/** What a new administrator gets to see once. */
export type ShownCredentials = {
  account: string
  project: string
  user: string
  password: string
  accessKey: string
  secretKey: string
}

/** The credentials and three lines to paste: an organization, a login, a push. */
export function firstStartBlock(url: string, shown: ShownCredentials): string {
  const host = new URL(url).host
  const body = JSON.stringify({
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { domain: { name: shown.account }, name: shown.user, password: shown.password } },
      },
      scope: { project: { name: shown.project } },
    },
  })
  const token = `$(curl -sD- -o/dev/null ${url}/v3/auth/tokens -H 'Content-Type: application/json' -d '${body}' | tr -d '\\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')`
  return `
────────────────────────────────────────────────────────────────────────────
  Stower is ready. This is shown once; keep it.

  URL         ${url}
  Account     ${shown.account}
  Project     ${shown.project}
  User        ${shown.user}
  Password    ${shown.password}
  Access key  ${shown.accessKey}
  Secret key  ${shown.secretKey}

  Create an organization, log in, push:

  curl -X POST ${url}/v2/manage/namespaces -H 'Content-Type: application/json' -H "X-Auth-Token: ${token}" -d '{"namespace":"group"}'
  docker login ${host} -u ${shown.user} -p '${shown.password}'
  docker tag busybox ${host}/group/busybox:1 && docker push ${host}/group/busybox:1

  Lost it? ${programName} credentials reset
────────────────────────────────────────────────────────────────────────────

`
}

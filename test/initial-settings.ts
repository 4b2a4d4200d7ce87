export type InitialCredentials = {
  account: string
  project: string
  user: string
  password: string
  accessKey: string
  secretKey: string
}

/** The settings by which a first start takes these names and secrets instead of inventing its own. */
export function initialSettings(credentials: InitialCredentials): Record<string, string> {
  return {
    STOWER_INIT_ACCOUNT: credentials.account,
    STOWER_INIT_PROJECT: credentials.project,
    STOWER_INIT_USER: credentials.user,
    STOWER_INIT_PASSWORD: credentials.password,
    STOWER_INIT_ACCESS_KEY: credentials.accessKey,
    STOWER_INIT_SECRET_KEY: credentials.secretKey,
  }
}

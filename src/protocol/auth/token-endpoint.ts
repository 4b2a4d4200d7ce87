/** Where docker clients get their tokens, and what the tokens are for, as SWR names both. */
export const dockerService = 'dockyard'
export const tokenPath = '/swr/auth/v2/registry/auth'

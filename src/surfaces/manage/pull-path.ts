/** What `docker pull` is given for a repository: the registry answers on the same host as this API. */
export function pullPath(baseUrl: string, repository: { organization: string; name: string }): string {
  return `${new URL(baseUrl).host}/${repository.organization}/${repository.name}`
}

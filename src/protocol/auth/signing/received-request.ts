/** A request as its proof of identity is held against it: as it came, before anything of it is parsed or done. */
export type ReceivedRequest = {
  method: string
  /** As received, percent-encoding kept: `/v2/manage/namespaces/group/repos/a$b`. */
  path: string
  /** As received, without the question mark; empty for none. */
  query: string
  headers: Pick<Headers, 'get'>
  /** What the client may have addressed: the Host header, and the one that a trusted proxy says there was. */
  hosts: readonly string[]
  /** It came over TLS, or a trusted proxy says that it did. */
  isSecure: boolean
  /** The whole body, which stays readable. Throws `body_too_large`. */
  body: () => Promise<Uint8Array>
}

export type ToolName =
  | 'initdb'
  | 'pg_ctl'
  | 'postgres'
  | 'skopeo'
  | 'podman'
  | 'buildah'
  | 'crun'
  | 'docker'
  | 'dockerd'
  | 'busybox'
  | 'strace'
  | 'openssl'
  | 'docker-registry'
  | 'unshare'
  | 'runuser'
  | 'crane'
export const areToolsRequired: boolean
export function findTool(name: ToolName): string | undefined

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes a home folder for skopeo, podman or buildah, and resolves to the environment that keeps them in it. */
export async function containersHome(folder: string): Promise<Record<string, string>> {
  const config = join(folder, '.config/containers')
  await mkdir(config, { recursive: true })
  await mkdir(join(folder, 'runtime'), { mode: 0o700 })
  await mkdir(join(folder, 'tmp'))
  await writeFile(join(config, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  // podman and buildah end when the file they are pointed to is not there.
  const logins = join(folder, 'auth.json')
  await writeFile(logins, '{}')
  return {
    HOME: folder,
    REGISTRY_AUTH_FILE: logins,
    XDG_RUNTIME_DIR: join(folder, 'runtime'),
    TMPDIR: join(folder, 'tmp'),
  }
}

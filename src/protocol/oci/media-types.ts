/** The media types a registry has to know; everything else passes through as an opaque string. */
export const mediaTypes = {
  ociImage: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  /** From release candidates of image-spec 1.1; withdrawn, but ORAS before 1.0 and notation before 1.0 pushed it. */
  ociArtifact: 'application/vnd.oci.artifact.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociForeignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociForeignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociForeignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

/** `image` refers to blobs, `index` to further manifests. */
export type ManifestKind = 'image' | 'index'

/** What kind of manifest a media type names; undefined for types that are not stored as manifests. */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  switch (mediaType) {
    case mediaTypes.ociImage:
    case mediaTypes.ociArtifact:
    case mediaTypes.dockerImage:
      return 'image'
    case mediaTypes.ociIndex:
    case mediaTypes.dockerList:
      return 'index'
    default:
      return undefined
  }
}

/** True for layers whose bytes stay with their vendor: a manifest may name them although the registry has no blob. */
export function isNonDistributable(mediaType: string): boolean {
  switch (mediaType) {
    case mediaTypes.ociForeignLayer:
    case mediaTypes.ociForeignLayerGzip:
    case mediaTypes.ociForeignLayerZstd:
    case mediaTypes.dockerForeignLayer:
    case mediaTypes.dockerForeignLayerGzip:
      return true
    default:
      return false
  }
}

/** True for the types of Docker's manifest schema 1, which is refused. */
export function isSchema1(mediaType: string): boolean {
  return mediaType === mediaTypes.dockerSchema1 || mediaType === mediaTypes.dockerSchema1Signed
}

/** `type/subtype` of a Content-Type or Accept element: lower-case, without parameters and blanks around it. */
export function essence(contentType: string): string {
  const semicolon = contentType.indexOf(';')
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
}

/**
 * One tar archive (ustar) of `entries`, in their order, with the folders above them put in where they are needed. An
 * entry is `{ path, content?, mode?, owner? }`: without content it is a folder; `mode` is 0644 for files and 0755 for
 * folders unless it is given, `owner` is both user and group. Equal entries and times give equal bytes.
 */
export function makeTar(entries, { timeSeconds }) {
  const parts = []
  for (const { path, content, owner = 0, ...entry } of withParents(entries)) {
    const isFolder = content === undefined
    const mode = entry.mode ?? (isFolder ? 0o755 : 0o644)
    const sizeBytes = isFolder ? 0 : content.length
    parts.push(makeHeader({ path: isFolder ? `${path}/` : path, mode, owner, sizeBytes, timeSeconds, isFolder }))
    if (!isFolder) parts.push(content, Buffer.alloc(padding(sizeBytes)))
  }
  parts.push(Buffer.alloc(2 * blockBytes))
  return Buffer.concat(parts)
}

const blockBytes = 512

function padding(sizeBytes) {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}

function withParents(entries) {
  const known = new Set(entries.filter(({ content }) => content === undefined).map(({ path }) => path))
  return entries.flatMap(entry => {
    const parents = entry.path.split('/').slice(0, -1)
    const above = parents.map((_, index) => parents.slice(0, index + 1).join('/')).filter(path => !known.has(path))
    for (const path of above) known.add(path)
    return [...above.map(path => ({ path })), entry]
  })
}

/** The fields of POSIX 1003.1 (pax, "ustar Interchange Format"), each at its offset. */
function makeHeader({ path, mode, owner, sizeBytes, timeSeconds, isFolder }) {
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long for an archive`)
  const header = Buffer.alloc(blockBytes)
  const octal = (value, offset, digits) => header.write(value.toString(8).padStart(digits, '0'), offset)
  header.write(path, 0)
  octal(mode, 100, 7)
  octal(owner, 108, 7)
  octal(owner, 116, 7)
  octal(sizeBytes, 124, 11)
  octal(timeSeconds, 136, 11)
  header.write(isFolder ? '5' : '0', 156)
  header.write('ustar\u000000', 257)
  // The sum counts its own field as spaces.
  header.fill(' ', 148, 156)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  )
  header.write('\u0000 ', 154)
  return header
}

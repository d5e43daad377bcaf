/**
 * The rooms of the house, in the order data walks through them: a room knows those above it and none below. This is the one
 * list: lint and a test hold the order, the table of CONTRIBUTING.md is compared with it, `npm run graph` draws it.
 */

/** @typedef {{ readonly folder: string, readonly knowsTfjs: boolean }} Room */

/** @type {readonly Room[]} */
export const rooms = [
  { folder: 'src/io', knowsTfjs: false },
  { folder: 'src/hub', knowsTfjs: false },
  { folder: 'src/image', knowsTfjs: false },
  { folder: 'src/tokenizer', knowsTfjs: false },
  { folder: 'converters', knowsTfjs: false },
  { folder: 'src/processor', knowsTfjs: false },
  { folder: 'src/backend', knowsTfjs: true },
  { folder: 'src/jit', knowsTfjs: true },
  { folder: 'src/setup', knowsTfjs: true },
  { folder: 'src/layers', knowsTfjs: true },
  { folder: 'src/models', knowsTfjs: true },
  { folder: 'src/export', knowsTfjs: true },
  { folder: 'src/training', knowsTfjs: true },
  { folder: 'src/pipelines', knowsTfjs: true },
  { folder: 'src/cli', knowsTfjs: true },
]

/** Folders that use the rooms. No room knows them. */
export const users = ['examples', 'bench']

/** Where what `package.json` exports stands, apart from `converters`' own file. */
export const entries = ['src/index.ts', 'src/node.ts', 'src/entries/']

/**
 * The room a file stands in: a folder of `rooms` or `users`, `src` for the words all rooms share (errors, arrays, random numbers),
 * and `entries` for what `package.json` exports.
 *
 * @param {string} file its path from the root
 */
export function roomOf(file) {
  const folder = [...rooms.map((room) => room.folder), ...users].find((name) => file.startsWith(`${name}/`))
  if (folder !== undefined) return folder
  return entries.some((entry) => file.startsWith(entry)) ? 'entries' : 'src'
}

/** All rooms from the top: who stands lower may know who stands higher. */
export const order = ['src', ...rooms.map(({ folder }) => folder), 'entries', ...users]

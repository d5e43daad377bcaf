import { join } from 'node:path'
import js from '@eslint/js'
import importX, { createNodeResolver } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'
import { noSpreadArguments } from './eslint/no-spread-arguments.js'

import { subpathImports } from './scripts/import-graph.js'
import { entries, rooms, users } from './scripts/rooms.js'

const folders = rooms.map(({ folder }) => folder)

/** A room imports none below it, whatever it calls the file: paths and `#…` imports are resolved first. */
const orderOfRooms = {
  files: ['src/**/*.ts', 'converters/**/*.ts'],
  rules: {
    'import-x/no-restricted-paths': [
      'error',
      {
        zones: folders.map((folder, i) => ({
          target: `./${folder}`,
          from: [...folders.slice(i + 1), ...entries, ...users].map((below) => `./${below}`),
          message: `${folder} must not know what stands below it.`,
        })),
      },
    ],
  },
}

const withoutTfjs = {
  files: rooms.filter(({ knowsTfjs }) => !knowsTfjs).map(({ folder }) => `${folder}/**/*.ts`),
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: ['@tensorflow/*'], message: 'This room returns typed arrays and runs without tfjs.' }] },
    ],
  },
}

/** Imports name the built `.js`; what stands in the tree is the `.ts`. */
const sourceResolver = createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })

/** The `#…` imports of `package.json` name built files as well. */
const subpaths = subpathImports(import.meta.dirname)
const subpathResolver = {
  interfaceVersion: 3,
  name: 'subpath-imports',
  resolve(name) {
    const source = subpaths.get(name)?.[0]
    return source === undefined ? { found: false } : { found: true, path: join(import.meta.dirname, source) }
  },
}

export default tseslint.config(
  { ignores: ['dist', 'docs/api', 'test/fixtures', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      ...importX.flatConfigs.typescript.settings,
      'import-x/resolver-next': [subpathResolver, sourceResolver],
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-extraneous-class': 'off',
      'import-x/no-cycle': 'error',
    },
  },
  orderOfRooms,
  withoutTfjs,
  {
    files: ['src/**/*.ts', 'converters/**/*.ts'],
    plugins: { siglip: { rules: { 'no-spread-arguments': noSpreadArguments } } },
    rules: { 'siglip/no-spread-arguments': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
)

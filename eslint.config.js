import js from '@eslint/js'
import importX, { createNodeResolver } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

/** The rooms of the house, in the order data walks through them: a room knows those above it and none below. */
const rooms = [
  'src/hub',
  'src/image',
  'src/tokenizer',
  'src/processor',
  'converters',
  'src/layers',
  'src/models',
  'src/runtime',
  'src/export',
  'src/training',
  'src/pipelines',
  'src/cli',
]

const orderOfRooms = rooms.map((room, i) => ({
  files: [`${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...rooms.slice(i + 1).map((below) => ({
            group: [`**/${below.split('/').at(-1)}/**`],
            message: `${room} must not know ${below}.`,
          })),
          ...(i <= rooms.indexOf('src/processor')
            ? [{ group: ['@tensorflow/*'], message: `${room} returns typed arrays and runs without tfjs.` }]
            : []),
        ],
      },
    ],
  },
}))

/** Imports name the built `.js`; what stands in the tree is the `.ts`. */
const sourceResolver = createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })

export default tseslint.config(
  { ignores: ['dist', 'docs/api', 'test/fixtures', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { ...importX.flatConfigs.typescript.settings, 'import-x/resolver-next': [sourceResolver] },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-extraneous-class': 'off',
      'import-x/no-cycle': 'error',
    },
  },
  ...orderOfRooms,
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
)

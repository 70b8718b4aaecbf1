import globals from 'globals'
import svelte from 'eslint-plugin-svelte'
import ts from 'typescript-eslint'
import { layerRules } from './shared/layers.ts'

const sharedForbidden = [
  'window',
  'document',
  'navigator',
  'process',
  'Buffer',
  'localStorage',
  'fetch',
  'WebSocket',
  'RTCPeerConnection',
  'setInterval',
]

export default ts.config(
  {
    ignores: [
      '**/dist/**',
      'node_modules/**',
      'web/public/**',
      '.cache/**',
      '.work/**',
      'patches/**',
      '**/*.js',
      '**/*.mjs',
    ],
  },
  ...ts.configs.recommendedTypeChecked,
  ...svelte.configs['flat/recommended'],
  {
    languageOptions: {
      globals: { ...globals.browser, ...globals.node },
      parserOptions: {
        projectService: { allowDefaultProject: ['vite.config.ts'] },
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Name what you export: no default exports outside config files.',
        },
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that defines it.' },
        { selector: 'TSEnumDeclaration', message: 'No enums: use a const object and a union.' },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: { 'no-restricted-syntax': 'off', 'svelte/no-navigation-without-resolve': 'off' },
  },
  {
    files: ['shared/**/*.ts'],
    ignores: ['shared/**/*.test.ts', 'shared/testing/**', 'shared/model-kit/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...sharedForbidden.map((name) => ({
          name,
          message: 'shared does no I/O of its own: take it as a component.',
        })),
      ],
    },
  },
  { files: ['vite.config.ts', '**/*.test.ts'], rules: { 'no-restricted-syntax': 'off', 'max-lines': 'off' } },
  ...layerRules,
)

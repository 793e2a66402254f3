import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', '.build/', '.tap/', 'node_modules/', 'certs/', 'swarm-data/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json' } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts', 'examples/**/*.{ts,mts}'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        // tap runs and awaits subtests by itself.
        {
          allowForKnownSafeCalls: ['@tapjs/core', '@tapjs/test', 'tap'].map((name) => ({
            from: 'package',
            package: name,
            name: ['test', 'todo', 'skip'],
          })),
        },
      ],
      // A tap test without `await` still has to return a promise, or call t.end().
      '@typescript-eslint/require-await': 'off',
      'max-lines': 'off',
    },
  },
  {
    // The types of these are checked by `tsc -p tsconfig.page.json`, which knows what a browser has.
    files: ['src/observe/dashboard/assets/*.js'],
    rules: {
      'no-undef': 'off',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' },
    },
  },
);

import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', 'src/core/assembly/', '**/*.generated.ts'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-constant-condition': ['error', { checkLoops: false }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'it', property: 'only', message: 'a lone test hides the others' },
        { object: 'it', property: 'skip', message: 'a skipped test is one that nobody sees' },
        { object: 'describe', property: 'only', message: 'a lone suite hides the others' },
        { object: 'describe', property: 'skip', message: 'a skipped suite is one that nobody sees' },
      ],
    },
  },
  // The bodies of DAP responses are what the tests look at; typing them anew would only repeat the protocol.
  { files: ['test/**'], rules: { '@typescript-eslint/no-explicit-any': 'off' } },
  { files: ['**/*.{cjs,js}'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);

/** What the layers above see of the core. */
export * from './processor';
export * from './layout';
export * from './schema';

/** The part of WebAssembly's JavaScript interface that the core uses: this layer can name neither Node nor the DOM. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
  class Module {
    constructor(bytes: ArrayBuffer | Uint8Array);
  }
  class Instance {
    readonly exports: Record<string, unknown>;
  }
  function instantiate(module: Module, imports: Record<string, Record<string, unknown>>): Promise<Instance>;
  function compile(bytes: ArrayBuffer | Uint8Array): Promise<Module>;
}

/** What the core asks of the machine around it. */

/** Reads a port; `size` is 1, 2 or 4 bytes. */
@external("host", "portRead") export declare function portRead(port: u32, size: u32): u32;
@external("host", "portWrite") export declare function portWrite(port: u32, size: u32, value: u32): void;
/** Physical memory that is not RAM; `size` is 1 to 8 bytes. */
@external("host", "memoryRead") export declare function memoryRead(address: u64, size: u32): u64;
@external("host", "memoryWrite") export declare function memoryWrite(address: u64, size: u32, value: u64): void;
/** One of `FactCode`; details are in the state and at layout FACT. Non-zero: stop after this. */
@external("host", "fact") export declare function fact(code: u32): u32;

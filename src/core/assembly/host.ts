/** What the core asks of the machine around it. */

/** Reads a port; `size` is 1, 2 or 4 bytes. */
@external("host", "portRead") export declare function portRead(port: u32, size: u32): u32;
@external("host", "portWrite") export declare function portWrite(port: u32, size: u32, value: u32): void;
/** Physical memory that is not RAM; `size` is 1 to 8 bytes. */
@external("host", "memoryRead") export declare function memoryRead(address: u64, size: u32): u64;
@external("host", "memoryWrite") export declare function memoryWrite(address: u64, size: u32, value: u64): void;
/** The devices' deadline has come: they act and answer the next, in units of time. */
@external("host", "tick") export declare function tick(): u64;
/** The local APIC ended a level-triggered interrupt: I/O APICs look at their lines again. */
@external("host", "endOfInterrupt") export declare function endOfInterrupt(vector: u32): void;
/** INTA cycle: the vector of the 8259. */
@external("host", "acknowledgeExternal") export declare function acknowledgeExternal(): u32;
/** Puts the running processor into its state after INIT (SDM 3A table 9-1). */
@external("host", "initialize") export declare function initialize(): void;
/** One of `FactCode`; details are in the state and at layout FACT. Non-zero: stop after this. */
@external("host", "fact") export declare function fact(code: u32): u32;

/** How a kernel was built. */

/** The kernel that a run models or was measured on. */
export interface KernelConfig {
  readonly ptReclaim: boolean;
  readonly arch: "x86_64" | "i386";
  readonly smp: boolean;
  readonly levels: 4 | 5;
}

/** Options of a zap (include/linux/mm.h: struct zap_details). */

/** struct zap_details. */
export interface ZapDetails {
  /** Free PTE tables that become empty: madvise(MADV_DONTNEED) alone asks for it. */
  readonly reclaimPt: boolean;
  /** Zap private copies of file pages too. */
  readonly evenCows: boolean;
  /** ZAP_FLAG_DROP_MARKER: markers go too. */
  readonly dropMarker: boolean;
}

/** madvise(MADV_DONTNEED). */
export const ZAP_DONTNEED: ZapDetails = {
  reclaimPt: true,
  evenCows: true,
  dropMarker: false,
};
/** munmap and exit (ZAP_FLAG_DROP_MARKER | ZAP_FLAG_UNMAP). */
export const ZAP_UNMAP: ZapDetails = {
  reclaimPt: false,
  evenCows: true,
  dropMarker: true,
};
/** Without details: guard installation, for one. */
export const ZAP_PLAIN: ZapDetails = {
  reclaimPt: false,
  evenCows: true,
  dropMarker: false,
};
/** Truncation of a file; a hole punched in one leaves private copies alone. Markers stay in both. */
export const ZAP_TRUNCATE: ZapDetails = {
  reclaimPt: false,
  evenCows: true,
  dropMarker: false,
};
export const ZAP_PUNCH: ZapDetails = {
  reclaimPt: false,
  evenCows: false,
  dropMarker: false,
};

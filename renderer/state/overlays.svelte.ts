export type Overlay = "palette" | "shortcuts";

/** Which layer lies over the window; one at a time. */
class Overlays {
  current = $state<Overlay | undefined>(undefined);

  open(overlay: Overlay): void {
    this.current = overlay;
  }

  close(overlay: Overlay): void {
    if (this.current === overlay) this.current = undefined;
  }
}

export const overlays = new Overlays();

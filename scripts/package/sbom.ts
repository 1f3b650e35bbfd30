/** What a package is made of, for programs to read: a bill of materials (CycloneDX 1.5). */
import { NAME, SOURCE_DATE, VERSION } from "./about.ts";
import { type Licensed, shippedLicences } from "./licences.ts";

interface Component {
  readonly type: "library" | "framework" | "application";
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly { readonly expression: string }[];
}

function componentOf({ name, version, licence }: Licensed): Component {
  const isNode = name === "Node.js";
  return {
    type: isNode ? "framework" : "library",
    name,
    version,
    purl: isNode ? `pkg:generic/node@${version}` : `pkg:npm/${name.replace(/^@/, "%40")}@${version}`,
    ...(licence === "" ? {} : { licenses: [{ expression: licence }] }),
  };
}

/** The document's text: the same for the same sources and the same Electron. */
export function sbomText(electron: string): string {
  const components: Component[] = [
    ...shippedLicences().map(componentOf),
    {
      type: "framework",
      name: "Electron",
      version: electron,
      purl: `pkg:generic/electron@${electron}`,
      licenses: [{ expression: "MIT" }],
    },
  ];
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      timestamp: new Date(SOURCE_DATE * 1000).toISOString(),
      component: { type: "application", name: NAME, version: VERSION, licenses: [{ expression: "MIT" }] },
    },
    components,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

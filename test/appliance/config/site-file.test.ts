import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { RefusedError } from "../../../appliance/base/errors.ts";
import { parseDicomSettings } from "../../../appliance/config/dicom-settings.ts";
import { parseSiteFile, SiteFileError } from "../../../appliance/config/site-file.ts";

const example = join(import.meta.dirname, "../../../provisioning/example.yaml");

/** The faults of a site file that is not taken, `path: message`. */
function faultsOf(text: string): string[] {
  try {
    parseSiteFile(text);
  } catch (error) {
    assert.ok(error instanceof SiteFileError && error instanceof RefusedError, `expected a SiteFileError, found ${error}`);
    assert.equal(error.code, "site-file-invalid");
    assert.ok(!error.message.includes("\n"), "the message is one line");
    return error.faults.map(({ path, message }) => `${path}: ${message}`);
  }
  assert.fail("the site file was taken");
}

const smallest = "station: { name: BOX }\ndicom: { aeTitle: SEGBOX }\n";

test("what a node does for us is named in known words, and its character set in DICOM's", () => {
  const node = (more: string) => `${smallest}nodes: [{ name: a, aeTitle: A, host: h, port: 104, ${more} }]\n`;
  assert.deepEqual(parseSiteFile(node('services: [find, get], characterSet: "\\\\ISO 2022 IR 87"')).nodes[0], {
    ...{ name: "a", aeTitle: "A", host: "h", port: 104, callsFrom: [] },
    services: ["find", "get"],
    characterSet: "\\ISO 2022 IR 87",
  });
  assert.match(faultsOf(node("services: [print]")).join(), /nodes\[0\]\.services\[0\]/);
  assert.match(faultsOf(node("characterSet: utf8")).join(), /characterSet: expected values of Specific Character Set/);
});

test("the example file is taken and says what its comments say", async () => {
  const site = parseSiteFile(await readFile(example, "utf8"));
  assert.equal(site.dicom.aeTitle, "SEGBOX");
  assert.deepEqual(
    site.nodes.map(({ name }) => name),
    ["scanner", "pacs"],
  );
  assert.deepEqual(site.rules, [
    {
      name: "axial CT",
      match: { modality: "CT", axial: true, minimumSlices: 10, callingAeTitles: [], calledAeTitles: [], seriesDescription: "" },
      model: "reference",
      outputs: ["seg", "rtstruct"],
      destinations: ["pacs"],
      deliver: "at-once",
      emptySeg: false,
      rtstruct: { holes: "keyhole", simplifyMm: 0 },
      segLabelmap: { compression: "none" },
      surfaces: "none",
    },
  ]);
});

test("what a file leaves out has careful defaults: loopback only, known callers only", () => {
  assert.deepEqual(parseSiteFile(smallest), {
    station: { name: "BOX" },
    dicom: {
      aeTitle: "SEGBOX",
      furtherAeTitles: [],
      address: "127.0.0.1",
      port: 11112,
      acceptUnknownCallers: false,
      otherStorageClasses: [],
      quietSeconds: 10,
      forceCompleteMinutes: 30,
      commitmentMinutes: 60,
      limits: {
        associations: 64,
        associationsPerAddress: 32,
        offeredPduBytes: 131_072,
        acceptedPduBytes: 131_072,
        objectMegabytes: 4_096,
        handshakeSeconds: 10,
        idleSeconds: 600,
        minimumBytesPerSecond: 1_024,
        paceSeconds: 120,
        associationMinutes: 240,
        minimumFreeMegabytes: 2_048,
      },
      durable: true,
    },
    http: {
      address: "127.0.0.1",
      port: 8443,
      tls: "own",
      names: [],
      dicomWebOrigins: [],
      limits: { requestsPerSecond: 100, dicomWebRequestsPerSecond: 200 },
    },
    audit: {},
    retention: { imageDays: 30, resultDays: 90, traceDays: 3_650 },
    nodes: [],
    rules: [],
  });
});

test("settings that an earlier release stored are read with the defaults of what they lack", () => {
  const stored = { aeTitle: "SEGBOX", address: "0.0.0.0", port: 104, acceptUnknownCallers: true, quietSeconds: 30 };
  assert.deepEqual(parseDicomSettings(stored), { ...parseSiteFile(smallest).dicom, ...stored });
});

test("limits, titles and addresses that can't be are told", () => {
  const faults = faultsOf(`
station: { name: BOX }
dicom: { aeTitle: SEGBOX, furtherAeTitles: [SEGNECK], otherStorageClasses: all, limits: { associations: 0, pduBytes: 1 } }
nodes: [{ name: n, aeTitle: CT1, host: ct1, port: 104, callsFrom: [10.1.2.0/33, ct1, 10.0.0.0/8, "fd00::/64"] }]
`);
  assert.deepEqual(faults, [
    'dicom.otherStorageClasses: expected `any`, or a list of storage SOP class UIDs, found "all"',
    "dicom.limits.associations: expected number to be >=1, found 0",
    "dicom.limits.pduBytes: unknown key",
    'nodes[0].callsFrom[0]: expected an IP address, or a network such as 10.1.2.0/24, found "10.1.2.0/33"',
    'nodes[0].callsFrom[1]: expected an IP address, or a network such as 10.1.2.0/24, found "ct1"',
  ]);
});

test("TLS settings that contradict each other are told", () => {
  const tls = "tls: { key: /k.pem, certificate: /c.pem, clientCertificates: none }";
  const node = "nodes: [{ name: n, aeTitle: PACS, host: pacs, port: 2762, tls: { callerCertificate: required } }]";
  assert.deepEqual(faultsOf(`station: { name: BOX }\ndicom: { aeTitle: SEGBOX, ${tls} }\n${node}`), [
    'nodes[0].tls: expected `dicom.tls` with `authorities`, which say whom to believe, found {"callerCertificate":"required"}',
    'nodes[0].tls.callerCertificate: expected `optional`, since `dicom.tls.clientCertificates` asks nobody, found "required"',
  ]);
  assert.deepEqual(faultsOf("station: { name: BOX }\ndicom: { aeTitle: SEGBOX, tls: { key: k.pem, certificate: /c.pem } }"), [
    'dicom.tls.key: expected the whole path of a file, from / on, found "k.pem"',
  ]);
});

test("a rule can ask for our own titles only", () => {
  const rules = "rules: [{ name: r, model: reference, match: { calledAeTitles: [SEGBOX, SEGLUNG] } }]";
  assert.deepEqual(faultsOf(`${smallest}${rules}`), [
    'rules[0].match.calledAeTitles[1]: expected one of our AE titles (SEGBOX), found "SEGLUNG"',
  ]);
});

test("a file in JSON is taken too", () => {
  assert.equal(parseSiteFile(JSON.stringify(parseSiteFile(smallest))).station.name, "BOX");
});

test("every fault is told at once, each with its path, what was expected and what was found", () => {
  const faults = faultsOf(`
station: { name: "", serialNumber: 17 }
dicom: { aeTitle: A TITLE THAT IS TOO LONG, address: everywhere, port: 70000, quietSeconds: 0 }
nodes:
  - { name: pacs, aeTitle: PACS, host: "-", port: 0 }
  - { name: archive, host: archive }
rules:
  - { name: r, model: reference, outputs: [seg, mesh], match: { minimumSlices: 1, seriesDescription: "(" } }
`);
  assert.deepEqual(faults, [
    'station.name: expected string to have >=1 characters, found ""',
    "station.serialNumber: expected string, found 17",
    'dicom.aeTitle: expected an AE title of 1 to 16 printable ASCII characters, found "A TITLE THAT IS TOO LONG"',
    'dicom.address: expected an IP address of this machine, 0.0.0.0 for all, found "everywhere"',
    "dicom.port: expected number to be <=65535, found 70000",
    "dicom.quietSeconds: expected number to be >=0.1, found 0",
    'nodes[0].host: expected a host name or IP address, found "-"',
    "nodes[0].port: expected number to be >=1, found 0",
    "nodes[1].aeTitle: expected string, found nothing",
    "nodes[1].port: expected number, found nothing",
    "rules[0].match.minimumSlices: expected number to be >=2, found 1",
    'rules[0].match.seriesDescription: expected a regular expression, found "("',
    'rules[0].outputs[1]: expected one of "seg"|"seg-labelmap"|"rtstruct"|"sr"|"secondary-capture"|"pdf", found "mesh"',
  ]);
});

test("an unknown key is a fault, wherever it stands: a misspelt one must not be taken for a default", () => {
  assert.deepEqual(faultsOf(`${smallest}colour: red\nhttp: { prot: 80 }\n`), ["http.prot: unknown key", "colour: unknown key"]);
});

test("two nodes of one name, and a destination that is no node, are named", () => {
  const faults = faultsOf(`${smallest}
nodes:
  - { name: pacs, aeTitle: A, host: a, port: 1 }
  - { name: pacs, aeTitle: B, host: b, port: 2 }
rules:
  - { name: r, model: m, destinations: [pacs, pcas] }
  - { name: r, model: m }
`);
  assert.deepEqual(faults, [
    'nodes[1].name: expected a name of its own, used above already, found "pacs"',
    'rules[1].name: expected a name of its own, used above already, found "r"',
    'rules[0].destinations[1]: expected the name of a node in this file, or `sender`, found "pcas"',
  ]);
});

test("a destination may name what it gets, with what goes instead, and the sender is one", () => {
  const site = parseSiteFile(`${smallest}
nodes:
  - { name: pacs, aeTitle: A, host: a, port: 1 }
rules:
  - name: r
    model: m
    outputs: []
    destinations:
      - { node: pacs, send: [[seg-labelmap, seg, rtstruct], sr] }
      - { node: sender, send: [seg] }
    deliver: after-acceptance
    emptySeg: true
    rtstruct: { holes: inner-xor, simplifyMm: 0.2 }
    segLabelmap: { compression: jpeg-ls }
    surfaces: stl
`);
  assert.partialDeepStrictEqual(site.rules[0], {
    outputs: [],
    destinations: [
      { node: "pacs", send: [["seg-labelmap", "seg", "rtstruct"], "sr"] },
      { node: "sender", send: ["seg"] },
    ],
    deliver: "after-acceptance",
    emptySeg: true,
    rtstruct: { holes: "inner-xor", simplifyMm: 0.2 },
    segLabelmap: { compression: "jpeg-ls" },
    surfaces: "stl",
  });
});

test("what is wrong in a destination's list is told where it stands", () => {
  const faults = faultsOf(`${smallest}
nodes:
  - { name: pacs, aeTitle: A, host: a, port: 1 }
  - { name: sender, aeTitle: B, host: b, port: 1 }
rules:
  - { name: a, model: m, destinations: [{ node: pacs, send: [seg, [seg, meshes]] }, { node: pacs, send: [[]], sent: 1 }, 7] }
`);
  assert.deepEqual(faults, [
    'rules[0].destinations[0].send[1][1]: expected one of "seg"|"seg-labelmap"|"rtstruct"|"sr"|"secondary-capture"|"pdf", found "meshes"',
    'rules[0].destinations[1].send[0][0]: expected one of "seg"|"seg-labelmap"|"rtstruct"|"sr"|"secondary-capture"|"pdf", found nothing',
    "rules[0].destinations[1].sent: unknown key",
    "rules[0].destinations[2]: expected the name of a node, or `node` and `send`, found 7",
  ]);
  assert.deepEqual(
    faultsOf(`${smallest}
nodes:
  - { name: sender, aeTitle: B, host: b, port: 1 }
rules:
  - { name: a, model: m, outputs: [], destinations: [sender, { node: pacs, send: [[seg, seg]] }] }
  - { name: b, model: m, outputs: [] }
`),
    [
      'nodes[0].name: expected another name: `sender` as a destination means whoever sent the series, found "sender"',
      'rules[0].destinations[0]: expected what to `send` there, since the rule names no outputs, found "sender"',
      'rules[0].destinations[1].node: expected the name of a node in this file, or `sender`, found "pacs"',
      'rules[0].destinations[1].send[0]: expected each output once in a list of choices, found ["seg","seg"]',
      "rules[1].outputs: expected at least one output, here or in a destination's `send`, found []",
    ],
  );
});

test("a YAML fault is told with its line", () => {
  const faults = faultsOf("station:\n  name: BOX\n  serialNumber: [1, 2\ndicom: { aeTitle: A }\n");
  assert.ok(faults.length > 0);
  assert.match(faults[0]!, /^line [34]: /);
});

test("a key given twice is a YAML fault", () => {
  assert.match(faultsOf("station: { name: A }\nstation: { name: B }\ndicom: { aeTitle: A }\n")[0]!, /^line 2: .*unique/);
});

for (const [what, text] of [
  ["an empty file", ""],
  ["a text", "hello"],
  ["a list", "[1, 2]"],
] as const)
  test(`${what} is refused, not taken for an empty site`, () => {
    assert.match(faultsOf(text)[0]!, /^: expected object, found /);
  });

test("an alias without its anchor, and aliases that multiply without end, are refused", () => {
  assert.match(faultsOf(`${smallest}http: *nowhere\n`)[0]!, /nowhere/);
  const bomb = Array.from(
    { length: 12 },
    (_, n) =>
      `k${n}: &k${n} [${Array(10)
        .fill(n === 0 ? "x" : `*k${n - 1}`)
        .join(", ")}]`,
  ).join("\n");
  assert.match(faultsOf(bomb)[0]!, /alias/i);
});

test("the address of a DICOMweb node tells its host and port, and has no secrets in it", () => {
  const site = (dicomweb: object) =>
    parseSiteFile(
      JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, nodes: [{ name: "archive", aeTitle: "A", dicomweb }] }),
    );
  const [node] = site({ url: "https://archive.example/dicom-web/" }).nodes;
  assert.deepEqual([node?.host, node?.port, node?.dicomweb?.url], ["archive.example", 443, "https://archive.example/dicom-web"]);
  for (const dicomweb of [
    { url: "https://me:secret@archive.example/" },
    { url: "ftp://archive.example/" },
    { url: "https://archive.example/?key=1" },
    { url: "https://archive.example/", user: "me" },
    { url: "https://archive.example/", tokenFile: "token" },
    { url: "https://archive.example/", tokenFile: "/t", user: "me", passwordFile: "/p" },
  ])
    assert.throws(() => site(dicomweb), { code: "site-file-invalid" }, JSON.stringify(dicomweb));
});

test("a node can't be where clouds keep their secrets", () => {
  const faults = (node: object) =>
    faultsOf(JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, nodes: [{ name: "n", aeTitle: "A", ...node }] }));
  for (const node of [
    { host: "169.254.169.254", port: 80 },
    { dicomweb: { url: "http://169.254.169.254/latest" } },
    { dicomweb: { url: "http://[fe80::1]/" } },
  ])
    assert.match(faults(node).join(), /expected another address/, JSON.stringify(node));
});

test("other sites whose pages may use DICOMweb are exact origins, on TLS", () => {
  const faults = (dicomWebOrigins: unknown) =>
    faultsOf(JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, http: { dicomWebOrigins } })).join();
  for (const origin of [
    "*",
    "null",
    "https://*.example",
    "https://a.example/",
    "https://a.example:443",
    "https://A.example",
    "file://",
    "wss://a.example",
  ])
    assert.match(faults([origin]), /^http\.dicomWebOrigins\[0\]: expected an origin/, origin);
  assert.match(faults(["http://viewer.example"]), /^http\.dicomWebOrigins\[0\]: expected https/);
  const good = ["https://viewer.example", "https://viewer.example:8443", "https://[fd00::1]", "http://127.0.0.1:3000", "http://[::1]:3000"];
  const parsed = parseSiteFile(JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, http: { dicomWebOrigins: good } }));
  assert.deepEqual(parsed.http.dicomWebOrigins, good);
});

test("plain HTTP is for this machine alone", () => {
  const faults = (http: object) => faultsOf(JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, http }));
  assert.match(faults({ address: "0.0.0.0", tls: "off" }).join(), /^http\.tls: expected TLS/);
  assert.match(faults({ address: "10.1.2.3", tls: "off" }).join(), /^http\.tls: expected TLS/);
  const stays = parseSiteFile(
    JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, http: { address: "::1", tls: "off" } }),
  );
  assert.equal(stays.http.tls, "off");
});

test("an audit server is spoken to over TLS unless plain TCP is asked for by name, which has no certificates", () => {
  const parse = (syslog: object) => JSON.stringify({ station: { name: "S" }, dicom: { aeTitle: "SEGBOX" }, audit: { syslog } });
  assert.deepEqual(parseSiteFile(parse({ host: "syslog.example" })).audit.syslog, {
    host: "syslog.example",
    port: 6514,
    protocol: "tls",
    patientId: false,
  });
  for (const [syslog, said] of [
    [{ host: "s", protocol: "udp" }, /audit\.syslog\.protocol/],
    [{ host: "s", key: "/k.pem" }, /`key` and `certificate` together/],
    [{ host: "s", protocol: "plain-tcp", authorities: "/a.pem" }, /expected no `authorities`/],
    [{ host: "169.254.169.254" }, /audit\.syslog\.host: expected another address/],
  ] as const)
    assert.match(faultsOf(parse(syslog)).join(), said);
});

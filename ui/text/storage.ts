const days = (n: number | "never"): string => (n === "never" ? "never by age" : `after ${n} ${n === 1 ? "day" : "days"}`);
const series = (n: number): string => `${n} series`;
const images = (n: number): string => `${n} ${n === 1 ? "image" : "images"}`;
const results = (n: number): string => `${n} ${n === 1 ? "result" : "results"}`;

/** What is said about what is kept, deleted and erased. */
export const storageTexts = {
  storage: {
    title: "Storage",
    failed: "The state of the storage could not be loaded.",
    changeFailed: "That did not work.",
    room: "Room and time",
    free: (free: string, total: string) => `${free} of ${total} are free.`,
    marks: (start: string, minimum: string) =>
      `Below ${start} what may go is deleted before its time; below ${minimum} no images are taken.`,
    ages: (imageDays: number | "never", resultDays: number | "never") =>
      `Images go ${days(imageDays)}, results ${days(resultDays)}, counted from the last image, delivery or judgement of their series.`,
    never: "What is not delivered, not committed where that was asked for, failed or held stays in any case.",
    traces: (n: number) => `Of ${results(n)} that were deleted it is still known how they were made.`,
    due: "To be deleted now",
    dueNone: "Nothing is over age.",
    dueSum: (n: number, bytes: string) => `${series(n)}, ${bytes}. It goes by itself at 3 at night.`,
    shown: (n: number) => `The first ${n} lines are shown.`,
    run: "Delete now",
    runSure: (n: number, bytes: string) => `Delete from ${series(n)}, ${bytes}? It can't be taken back.`,
    ran: (n: number, bytes: string) => `Deleted from ${series(n)}: ${bytes}.`,
    kept: "Over age, and kept",
    keptNone: "Nothing that is over age has to stay.",
    settle: "Settle",
    settleOne: (id: number) => `Settle series ${id}`,
    settled: (id: number) => `Series ${id} is settled.`,
    settleSure: (id: number, reason: string) =>
      `${reason} Settle series ${id}? What failed of it is not sent any more, and it goes when its time is over.`,
    purge: "When the disk is full",
    purgeLead: (n: number, bytes: string, kept: number) =>
      `${series(n)} with ${bytes} may go, whatever their age. ${kept === 0 ? "Nothing else is here." : `${series(kept)} would stay, since something of them is not delivered or not settled.`}`,
    purgeButton: "Delete all that may go…",
    purgeNow: "Delete all that may go",
    purgeSure: (n: number, bytes: string) =>
      `All images and results of ${series(n)} (${bytes}) are deleted, whatever their age. It can't be taken back.`,
    typeToConfirm: (word: string) => `Type ${word} to confirm`,
    files: "Files at the last start",
    filesRunning: "They are being checked.",
    filesClean: (n: number) => `${n} files, each as it was received.`,
    adopted: (n: number) => `${images(n)} without an entry were taken back.`,
    quarantined: (n: number) =>
      `${n} ${n === 1 ? "file" : "files"} of which nothing could be made were moved aside, into quarantine in the data folder.`,
    missing: (n: number) => `${images(n)} lost or damaged; sent again, they are mended.`,
    damagedResult: (id: number, names: readonly string[]) => `Result ${id} lacks ${names.join(", ")}.`,
    columns: { series: "Series", what: "What", size: "Size", since: "Last event", why: "Why", actions: "Actions" },
    seriesOne: (id: number) => `Series ${id}`,
    what: (what: "images" | "everything", nImages: number, nResults: number) =>
      [what === "images" ? "images only" : "everything", nImages > 0 ? images(nImages) : "", nResults > 0 ? results(nResults) : ""]
        .filter(Boolean)
        .join(", "),
    causes: { age: "over age", disk: "room is wanted", ordered: "ordered" },
  },

  study: {
    title: "The whole study",
    lead: "All that is here of this study: images, results, and what is known of them.",
    export: "Export",
    erase: "Erase…",
    eraseWord: "erase",
    eraseSure:
      "Everything of this study is deleted for good: images, results, and how they were made. Destinations and backups keep what they have. One line in the audit trail stays, without a name.",
    forceSure: (reason: string) => `${reason} Erase it all the same? What is not delivered will not be.`,
    eraseNow: "Erase the study",
    failed: "It could not be erased.",
  },

  deleted: {
    imagesTitle: "The images of this series were deleted",
    images: (moment: string) =>
      `Their time was over, ${moment}. Results can still be seen and rejected; to segment the series again, send it again.`,
    someTitle: "Earlier images of this series were deleted",
    some: (moment: string) => `What came since ${moment} is looked at by itself, and replaces no earlier result.`,
    anewTitle: "This series was here before",
    anew: (moment: string) => `Everything of it was deleted ${moment}; it began anew.`,
    missingTitle: (n: number) => `${n} ${n === 1 ? "image was" : "images were"} lost or damaged on the disk`,
    missing: "Send the series again: what is missing is mended, what is there stays as it is.",
  },
};

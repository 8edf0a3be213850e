import type { DeliveryId, ResultId, SeriesId } from "../domain/ids.ts";

/** Keys of all jobs that there may be for a series, its results and their deliveries. */
export function jobKeysOf(held: {
  readonly seriesId: SeriesId;
  readonly results: readonly { readonly id: ResultId; readonly deliveries: readonly { readonly id: DeliveryId }[] }[];
}): string[] {
  const keys = (kinds: readonly string[], id: number): string[] => kinds.map((kind) => `${kind}:${id}`);
  return [
    ...keys(["close-series", "count-at-source", "select"], held.seriesId),
    ...held.results.flatMap(({ id, deliveries }) => [
      ...keys(["segment", "encode", "announce-rejection"], id),
      ...deliveries.flatMap((delivery) => keys(["deliver", "request-commitment"], delivery.id)),
    ]),
  ];
}

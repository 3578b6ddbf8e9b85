import { useInfiniteQuery } from "@tanstack/react-query";
import { ErrorNote } from "@/components/ErrorNote";
import { imageListQuery, listed } from "../api/images";
import "./Masonry.css";
import { Tile } from "./Tile";
import { useColumnWidth } from "./useColumnWidth";

/** Every image of the server, newest first, as the wall that the page is known by. */
export function Masonry({ onOpen }: { onOpen: (imageId: string) => void }) {
  const [grid, columnWidth] = useColumnWidth();
  const query = useInfiniteQuery(imageListQuery);
  const images = listed(query.data);

  return (
    <section className="library" aria-labelledby="library-title">
      <h2 id="library-title">Images</h2>
      {query.isPending && <p className="muted">Loading images…</p>}
      {query.isError && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && images.length === 0 && (
        <p className="library-empty muted">
          Nothing here yet. What you compress will be kept here.
        </p>
      )}
      <ul className="masonry" ref={grid}>
        {images.map((image) => (
          <Tile key={image.id} image={image} width={columnWidth} onOpen={onOpen} />
        ))}
      </ul>
      {query.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {query.isFetchingNextPage ? "Loading…" : "Show more"}
        </button>
      )}
    </section>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { infoQuery } from "@/api/info";
import { ErrorNote } from "@/components/ErrorNote";
import { KeyForm } from "@/features/auth/components/KeyForm";
import { useKey } from "@/features/auth/useKey";
import { applyImage } from "@/features/images/api/images";
import { UploadQueue } from "@/features/upload/queue";
import { CompressScreen } from "./CompressScreen";
import { Header } from "./Header";

/** The page: its header, and the one screen there is, behind the key form where the server asks for a key. */
export function App() {
  const client = useQueryClient();
  const info = useQuery(infoQuery);
  const { key, refused } = useKey();
  // Outlives the screen: files wait here while a key is being asked for.
  const [queue] = useState(() => new UploadQueue(({ image }) => applyImage(client, image)));
  const needsKey = refused || (info.data?.auth_required === true && key === null);

  useEffect(() => {
    if (!needsKey) queue.retryRefused();
  }, [needsKey, queue]);

  return (
    <>
      <Header ready={info.isSuccess && !needsKey} />
      {info.isError && (
        <main className="page">
          <ErrorNote error={info.error} onRetry={() => void info.refetch()} />
        </main>
      )}
      {info.isSuccess && needsKey && (
        <main className="page">
          <KeyForm refused={key !== null} />
        </main>
      )}
      {info.isSuccess && !needsKey && <CompressScreen info={info.data} queue={queue} />}
    </>
  );
}

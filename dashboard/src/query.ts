/** One question to the API, asked again when its address changes or somebody presses Refresh. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { ApiError, get } from './api';

export interface Shared { turn: number; onSignedOut: () => void }
export const SharedContext = createContext<Shared>({ turn: 0, onSignedOut: () => {} });

export interface Answer<T> { data?: T; error?: ApiError; loading: boolean; retry: () => void }

export function useQuery<T>(path: string | null): Answer<T> {
  const { turn, onSignedOut } = useContext(SharedContext);
  const [again, setAgain] = useState(0);
  const [answer, setAnswer] = useState<{ path: string | null; data?: T; error?: ApiError; loading: boolean }>({ path, loading: path !== null });
  useEffect(() => {
    if (path === null) return undefined;
    const abort = new AbortController();
    setAnswer((before) => ({ path, data: before.data, loading: true }));
    get<T>(path, abort.signal).then(
      (data) => setAnswer({ path, data, loading: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (error instanceof ApiError && error.status === 401) onSignedOut();
        const shown = error instanceof ApiError ? error : new ApiError({ status: 0, code: 'broken', detail: String(error) });
        setAnswer({ path, error: shown, loading: false });
      },
    );
    return () => abort.abort();
  }, [path, turn, again]);
  return { data: path === null ? undefined : answer.data, error: answer.error, loading: answer.loading, retry: () => setAgain((n) => n + 1) };
}
